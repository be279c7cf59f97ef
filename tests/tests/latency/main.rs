//! Attacks on the time between placing an order and its fill. Each attacker ends poorer, or merely even: all of his accounts,
//! his tokens and the tips that he earns as his own keeper are counted to the satoshi. A number in a test's name is that of the
//! case in the protocol's list of cases.

mod blocking;
mod choosing;
mod clocks;
mod crew;
mod hedging;
mod lapsing;
mod option;
mod races;
mod resting;
mod settling;
mod slippage;
mod waiting;
