//! Client library and command line of Inverse Perps.
//!
//! What the commands compute they ask of the engine, so that a quote is what the program would do; what is theirs alone is
//! reading numbers exactly (`decimal`), reading price files (`prices`) and saying the result.
#![warn(missing_docs)]

pub mod chain;
pub mod client;
pub mod commands;
pub mod decimal;
pub mod demo;
pub mod prices;
