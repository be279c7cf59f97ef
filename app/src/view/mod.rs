//! What accounts come to, offline: everything is the engine's, on a copy brought up to date as the program would.

mod market;
mod position;

pub use market::{MarketView, PriceSource, SideView};
pub use position::{Outlook, PositionView};
