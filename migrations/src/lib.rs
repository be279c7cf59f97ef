//! What a deployment consists of, in numbered steps. Each looks at the chain first and does only what is missing, so that a deployment
//! that was broken off goes on, and one that is complete is left alone.
//!
//! [`Deployment`] says what there is to be, [`plan`] what each [`Step`] would do about it, [`apply`] does it. They ask any
//! [`perps::chain::Chain`].
#![warn(missing_docs)]
#![deny(clippy::as_conversions, clippy::float_arithmetic, clippy::arithmetic_side_effects)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod apply;
mod deployment;
mod file;
mod plan;
mod steps;

pub use apply::{apply, Applied, Keys};
pub use deployment::{Deployment, Exchange, Role, Seed};
pub use file::{read, Described, KeyFiles};
pub use plan::{plan, Plan, Planned};
pub use steps::{Standing, Step, Work};
