//! The positions of one side, in classes of size, in each by key.

use inverse_perps_engine::line::{Class, Key, Terms};
use inverse_perps_engine::units::Shares;
use inverse_perps_engine::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// How wide a class is. Maintenance grows with size: the line of a class is drawn for its largest position, and the wider it is, the more
/// of the others lie below it in vain; but each class costs a line a tick. An eighth of its smallest where size hardly counts, at most
/// $8,590 (at scale one) where it begins to, and a thirty-second where that would be too many.
fn width(least: u64) -> u64 {
    const SLIGHT: u64 = 1 << 33;
    (least / 32).max(SLIGHT.min(least / 8)).max(1)
}

/// What sizes a class is for, both included.
struct Bounds {
    least: Shares,
    most: Shares,
}

/// Positions alike in size, at least one. Ids are the index's own.
pub(super) struct SizeClass {
    number: usize,
    /// The lowest key, kept beside the tree so that a tick that crosses nothing reads no tree.
    pub(super) lowest: Key,
    entries: BTreeSet<(Key, usize)>,
}

impl SizeClass {
    fn of(number: usize, entries: BTreeSet<(Key, usize)>) -> Option<Self> {
        let lowest = entries.first()?.0;
        Some(Self { number, lowest, entries })
    }

    /// Those below a line, the lowest first.
    pub(super) fn below(&self, line: Key) -> impl Iterator<Item = usize> + '_ {
        self.entries.range(..(line, 0)).map(|(_, id)| *id)
    }

    /// All of them, the lowest first.
    pub(super) fn ascending(&self) -> impl Iterator<Item = (Key, usize)> + '_ {
        self.entries.iter().copied()
    }
}

/// One side.
pub(super) struct Classes {
    bounds: Vec<Bounds>,
    /// Those that have positions, by number, side by side: a tick looks at all of them.
    taken: Vec<SizeClass>,
    /// What lines were last drawn for.
    drawn: Mutex<Option<Drawn>>,
}

/// What lines are drawn for, class by class, while the terms are these.
struct Drawn {
    terms: Terms,
    classes: Arc<[Class]>,
}

impl Classes {
    /// Without positions.
    pub(super) fn new() -> Self {
        let starts = std::iter::successors(Some(1u64), |least| least.checked_add(width(*least)));
        let bounds = starts.map(|least| {
            let most = least.saturating_add(width(least) - 1);
            Bounds { least: Shares::new(least), most: Shares::new(most) }
        });
        Self { bounds: bounds.collect(), taken: Vec::new(), drawn: Mutex::new(None) }
    }

    /// Looks at every class that has positions, with what its line is drawn for. Errors: `Overflow`, the look's.
    pub(super) fn for_each(&self, terms: &Terms, mut look: impl FnMut(&SizeClass, &Class) -> Result<()>) -> Result<()> {
        let drawn = self.draw(terms)?;
        self.taken.iter().try_for_each(|class| look(class, &drawn[class.number]))
    }

    /// What lines are drawn for: worked out again only where the side's scale or the margin ratios have changed.
    fn draw(&self, terms: &Terms) -> Result<Arc<[Class]>> {
        let mut held = self.drawn.lock().unwrap_or_else(PoisonError::into_inner); // it is replaced whole, so never half done
        match &*held {
            Some(drawn) if drawn.terms == *terms => Ok(Arc::clone(&drawn.classes)),
            _ => {
                let classes = self.bounds.iter().map(|bounds| Class::of(terms, bounds.least, bounds.most));
                let classes = classes.collect::<Result<Arc<[Class]>>>()?;
                *held = Some(Drawn { terms: *terms, classes: Arc::clone(&classes) });
                Ok(classes)
            }
        }
    }

    /// Adds a position.
    pub(super) fn insert(&mut self, shares: Shares, key: Key, id: usize) {
        let number = self.number_of(shares);
        let place = self.place_of(number).unwrap_or_else(|place| {
            self.taken.insert(place, SizeClass { number, lowest: key, entries: BTreeSet::new() });
            place
        });
        let class = &mut self.taken[place];
        class.entries.insert((key, id));
        class.lowest = class.lowest.min(key);
    }

    /// Takes a position out.
    pub(super) fn remove(&mut self, shares: Shares, key: Key, id: usize) {
        let number = self.number_of(shares);
        let Ok(place) = self.place_of(number) else { return };
        let class = &mut self.taken[place];
        class.entries.remove(&(key, id));
        match class.entries.first() {
            Some((lowest, _)) => class.lowest = *lowest,
            None => drop(self.taken.remove(place)),
        }
    }

    /// Replaces everything by these positions, in any order, at once: a tree is sooner built from a sorted list than grown.
    pub(super) fn fill(&mut self, positions: impl Iterator<Item = (Shares, Key, usize)>) {
        let mut lists: BTreeMap<usize, Vec<(Key, usize)>> = BTreeMap::new();
        for (shares, key, id) in positions {
            lists.entry(self.number_of(shares)).or_default().push((key, id));
        }
        let classes = lists.into_iter().filter_map(|(number, list)| SizeClass::of(number, list.into_iter().collect()));
        self.taken = classes.collect();
    }

    /// Where a class is among those that have positions, or would be.
    fn place_of(&self, number: usize) -> std::result::Result<usize, usize> {
        self.taken.binary_search_by_key(&number, |class| class.number)
    }

    fn number_of(&self, shares: Shares) -> usize {
        self.bounds.partition_point(|bounds| bounds.least <= shares).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_cover_all_sizes_without_gap_and_are_as_narrow_as_said() {
        let classes = Classes::new().bounds;
        assert_eq!((classes[0].least.get(), classes[classes.len() - 1].most.get()), (1, u64::MAX));
        for pair in classes.windows(2) {
            assert_eq!(pair[0].most.get() + 1, pair[1].least.get());
        }
        let starts: Vec<u64> = classes.iter().map(|class| class.least.get()).skip(13).take(7).collect();
        assert_eq!(starts, [14, 15, 16, 18, 20, 22, 24]);
        let width_from = |dollars: u64| {
            let class = classes.iter().find(|class| class.least.get() >= dollars * 1_000_000).unwrap();
            (class.most.get() - class.least.get() + 1) / 1_000_000
        };
        let found = [1_000, 100_000, 1_000_000, 10_000_000].map(width_from);
        // An eighth, $8,590, a thirty-second.
        let ranges = [125..=141, 8_589..=8_590, 31_250..=32_227, 312_500..=322_266];
        assert!(found.iter().zip(&ranges).all(|(width, range)| range.contains(width)), "{found:?}");
    }

    #[test]
    fn a_position_is_placed_in_the_class_of_its_shares() {
        let classes = Classes::new();
        for class in 0..classes.bounds.len() {
            let (least, most) = (classes.bounds[class].least.get(), classes.bounds[class].most.get());
            for shares in [least, least.midpoint(most), most] {
                assert_eq!(classes.number_of(Shares::new(shares)), class, "{shares}");
            }
        }
    }
}
