//! What the keeper's tests stand on: a node over the chain in process, a bad provider before it, a market with a crowd, and the engine's
//! own judgement of who can be liquidated.
#![allow(dead_code)] // each test binary uses a part

pub mod answers;
pub mod crowd;
pub mod faults;
pub mod node;
pub mod path;
pub mod proxy;
mod relay;
pub mod sockets;
pub mod spells;
pub mod trial;
pub mod truth;
pub mod witness;
