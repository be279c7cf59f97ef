//! The times in which a position can be liquidated, each from the tick at which the engine says so first to what ends it.

use solana_address::Address;
use std::collections::{HashMap, HashSet};

/// What ended a spell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The keeper has liquidated the position.
    Kept,
    /// A rival has.
    Rival,
    /// The price came back.
    Recovered,
    /// One of the position's orders was filled.
    Filled,
}

/// All spells of a run.
#[derive(Default)]
pub struct Spells {
    open: HashMap<Address, usize>,
    ended: HashMap<End, usize>,
    /// Positions whose orders have left since the last tick: what that cost can end a spell or begin one between two ticks.
    stirred: HashSet<Address>,
    /// How long the longest lasted, in ticks.
    pub longest: usize,
    /// Ticks from the beginning of a spell until the keeper's liquidation, each.
    pub kept_after: Vec<usize>,
}

impl Spells {
    /// At a tick, these can be liquidated. Returns those that could not be before.
    pub fn observe(&mut self, tick: usize, liquidatable: &[Address]) -> Vec<Address> {
        let now: HashSet<Address> = liquidatable.iter().copied().collect();
        let over: Vec<Address> = self.open.keys().filter(|address| !now.contains(address)).copied().collect();
        for address in over {
            let how = if self.stirred.contains(&address) { End::Filled } else { End::Recovered };
            self.end(tick, &address, how);
        }
        self.stirred.clear();
        let new: Vec<Address> = liquidatable.iter().filter(|address| !self.open.contains_key(address)).copied().collect();
        self.open.extend(new.iter().map(|address| (*address, tick)));
        self.longest = self.open.values().map(|began| tick - began).fold(self.longest, usize::max);
        new
    }

    /// A position was liquidated since the last tick.
    pub fn liquidated(&mut self, tick: usize, address: &Address, how: End) {
        if !self.open.contains_key(address) && self.stirred.contains(address) {
            self.open.insert(*address, tick);
        }
        assert!(
            self.open.contains_key(address),
            "tick {tick}: {address} was liquidated, but the engine has called it healthy, or liquidated already, since the last price"
        );
        self.end(tick, address, how);
    }

    /// An order of a position has left since the last tick.
    pub fn stir(&mut self, address: Address) {
        self.stirred.insert(address);
    }

    fn end(&mut self, tick: usize, address: &Address, how: End) {
        let began = self.open.remove(address).unwrap_or(tick);
        self.longest = self.longest.max(tick - began);
        if how == End::Kept {
            self.kept_after.push(tick - began);
        }
        *self.ended.entry(how).or_default() += 1;
    }

    /// Positions that can be liquidated now, with how many ticks they could by this one.
    pub fn open(&self, tick: usize) -> impl Iterator<Item = (Address, usize)> + '_ {
        self.open.iter().map(move |(address, began)| (*address, tick - began))
    }

    /// How many ended like this.
    pub fn ended(&self, how: End) -> usize {
        self.ended.get(&how).copied().unwrap_or(0)
    }
}
