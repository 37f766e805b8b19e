//! A keyed store that many threads share and that never stalls to grow.
//!
//! Many small tables, each under its own lock. Room for as many entries as are expected is made at the start; beyond that a table grows
//! by itself, moves sixteen bytes an entry and looks at no entry: the longest pause is that of one small table. Hashing is keyed, since
//! clients choose the keys.

use core::hash::{BuildHasher, Hash};

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use parking_lot::{Mutex, MutexGuard};

/// Something stored under a key it carries itself.
pub trait Keyed {
    /// The key.
    type Key: Eq + Hash;
    /// This thing's key.
    fn key(&self) -> &Self::Key;
    /// When housekeeping has to look at it, wall nanoseconds: never later than it says at the time it is stored.
    fn due(&self) -> i64;
}

const SHARDS: usize = 512;

/// The store.
pub struct Shards<V: Keyed> {
    hasher: RandomState,
    shards: Box<[Mutex<Shard<V>>]>,
}

/// One table of the store, while it is locked.
pub struct Shard<V: Keyed> {
    slots: HashTable<Slot<V>>,
    /// Ring of places the sweep visits next: hashes in no order.
    swept: usize,
}

/// Sixteen bytes, so that a table that grows moves little; what is stored stays where it is.
struct Slot<V> {
    hash: u32,
    /// Before then, wall seconds, housekeeping passes by without a look at what is stored: reading millions of values would hold up others.
    due: u32,
    /// Always there, but while room is made.
    value: Option<Box<V>>,
}

/// The last whole second that is not after a wall time.
fn second(wall: i64) -> u32 {
    let seconds = wall.div_euclid(1_000_000_000).max(0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// The tables of two keys; the second only where it is another one.
pub type Two<'a, V> = (MutexGuard<'a, Shard<V>>, Option<MutexGuard<'a, Shard<V>>>);

/// The tables of many keys, each locked once.
pub struct Many<'a, V: Keyed> {
    /// By their numbers, ascending.
    tables: Vec<(usize, MutexGuard<'a, Shard<V>>)>,
}

impl<V: Keyed> Many<'_, V> {
    /// The table of a key that was named when they were locked.
    pub fn table(&mut self, place: Place) -> Option<&mut Shard<V>> {
        let at = self
            .tables
            .binary_search_by_key(&place.shard, |(number, _)| *number);
        let (_, table) = self.tables.get_mut(at.ok()?)?;
        Some(table)
    }
}

/// Where a key belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    shard: usize,
    hash: u64,
}

impl<V: Keyed> Default for Shards<V> {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::default())).collect();
        Self {
            hasher: RandomState::default(),
            shards,
        }
    }
}

impl<V: Keyed> Default for Shard<V> {
    fn default() -> Self {
        Self {
            slots: HashTable::new(),
            swept: 0,
        }
    }
}

impl<V: Keyed> Shards<V> {
    /// Makes room for so many entries.
    pub fn reserve(&self, count: usize) {
        // Keys scatter: what a table gets is its even share and some more.
        let share = count / SHARDS;
        let share = share.saturating_add(share / 8);
        for shard in &self.shards {
            let slots = &mut shard.lock().slots;
            slots.reserve(share, |slot| spread(slot.hash));
            if !slots.is_empty() {
                continue;
            }
            // Touched, so that no order waits for the kernel to provide it.
            let rooms = u32::try_from(slots.capacity()).unwrap_or(0);
            for room in 0..rooms {
                let hash = room.wrapping_mul(0x9E37_79B1);
                let slot = Slot {
                    hash,
                    due: 0,
                    value: None,
                };
                slots.insert_unique(spread(hash), slot, |slot| spread(slot.hash));
            }
            slots.clear();
        }
    }

    /// Where a key belongs.
    #[must_use]
    pub fn place(&self, key: &V::Key) -> Place {
        let hash = self.hasher.hash_one(key);
        // The table uses the low bits and the top seven; the shard takes others.
        let shard = usize::try_from((hash >> 40) & 0x1ff).unwrap_or(0);
        Place { shard, hash }
    }

    /// Keyed hash of some content, by which two contents are told apart.
    pub fn digest(&self, content: &impl Hash) -> u64 {
        self.hasher.hash_one(content)
    }

    /// Locks the table a key belongs to.
    pub fn lock(&self, place: Place) -> MutexGuard<'_, Shard<V>> {
        self.at(place.shard).lock()
    }

    /// Locks the tables of two keys, in the order everyone keeps; one guard where they share a table.
    pub fn lock_two(&self, one: Place, other: Place) -> Two<'_, V> {
        use core::cmp::Ordering;
        match one.shard.cmp(&other.shard) {
            Ordering::Equal => (self.lock(one), None),
            Ordering::Less => {
                let first = self.lock(one);
                (first, Some(self.lock(other)))
            }
            Ordering::Greater => {
                let second = self.lock(other);
                (self.lock(one), Some(second))
            }
        }
    }

    /// Locks the tables of many keys, in the order everyone keeps.
    pub fn lock_many(&self, places: impl Iterator<Item = Place>) -> Many<'_, V> {
        let mut numbers: Vec<usize> = places.map(|place| place.shard).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let lock = |number| (number, self.at(number).lock());
        Many {
            tables: numbers.into_iter().map(lock).collect(),
        }
    }

    /// Goes through a part of all tables, a different one each time, and looks at what is due: `keep` says when it is due again, or that
    /// it is to go.
    pub fn sweep(
        &self,
        now: i64,
        (round, rounds): (usize, usize),
        mut keep: impl FnMut(&mut V) -> Option<i64>,
        mut gone: impl FnMut(Box<V>),
    ) {
        let each = SHARDS.div_ceil(rounds.max(1));
        let from = round
            .checked_rem(rounds.max(1))
            .unwrap_or(0)
            .saturating_mul(each);
        for shard in self.shards.iter().skip(from).take(each) {
            shard.lock().sweep(second(now), &mut keep, &mut gone);
        }
    }

    /// Whether there is an entry like this; one table after the other is locked.
    pub fn any(&self, is: impl Fn(&V) -> bool) -> bool {
        self.shards.iter().any(|shard| shard.lock().any(&is))
    }

    /// Entries in all tables.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().slots.len())
            .sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a place is below the number of shards by construction"
    )]
    fn at(&self, shard: usize) -> &Mutex<Shard<V>> {
        &self.shards[shard % SHARDS]
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "the low half is what is wanted"
)]
const fn low(hash: u64) -> u32 {
    hash as u32
}

/// The table hashes by the low half only, so that growing needs no look at the entries.
fn spread(hash: u32) -> u64 {
    // A widening that fills the top bits the table's control bytes are made of.
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl<V: Keyed> Shard<V> {
    /// The entry of a key.
    pub fn get_mut(&mut self, place: Place, key: &V::Key) -> Option<&mut V> {
        let hash = low(place.hash);
        let slot = self.slots.find_mut(spread(hash), is_of(hash, key))?;
        slot.value.as_deref_mut()
    }

    /// Stores an entry whose key is not there yet.
    pub fn insert(&mut self, place: Place, value: impl Into<Box<V>>) -> &mut V {
        let hash = low(place.hash);
        let value = value.into();
        let slot = Slot {
            hash,
            due: second(value.due()),
            value: None,
        };
        let stored = self
            .slots
            .insert_unique(spread(hash), slot, |slot| spread(slot.hash));
        stored.into_mut().value.insert(value)
    }

    /// Removes the entry of a key.
    pub fn remove(&mut self, place: Place, key: &V::Key) -> Option<Box<V>> {
        let hash = low(place.hash);
        let found = self.slots.find_entry(spread(hash), is_of(hash, key)).ok()?;
        found.remove().0.value
    }

    fn any(&self, is: &impl Fn(&V) -> bool) -> bool {
        let mut values = self.slots.iter().filter_map(|slot| slot.value.as_deref());
        values.any(is)
    }

    /// Goes through some entries, others the next time.
    fn sweep(
        &mut self,
        now: u32,
        keep: &mut impl FnMut(&mut V) -> Option<i64>,
        gone: &mut impl FnMut(Box<V>),
    ) {
        // All of a table within eight visits, however large it has become.
        let buckets = self.slots.num_buckets();
        let most = buckets.div_ceil(8).max(1024);
        for place in self.swept..self.swept.saturating_add(most).min(buckets) {
            let Ok(mut found) = self.slots.get_bucket_entry(place) else {
                continue;
            };
            let slot = found.get_mut();
            if slot.due > now {
                continue;
            }
            match slot.value.as_deref_mut().and_then(&mut *keep) {
                Some(due) => slot.due = second(due),
                None => found.remove().0.value.into_iter().for_each(&mut *gone),
            }
        }
        self.swept = if self.swept.saturating_add(most) >= buckets {
            0
        } else {
            self.swept.saturating_add(most)
        };
    }
}

fn is_of<V: Keyed>(hash: u32, key: &V::Key) -> impl Fn(&Slot<V>) -> bool {
    move |slot| {
        slot.hash == hash
            && slot
                .value
                .as_deref()
                .is_some_and(|value| value.key() == key)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    struct Pair(u64, u64);
    impl Keyed for Pair {
        type Key = u64;
        fn key(&self) -> &u64 {
            &self.0
        }
        fn due(&self) -> i64 {
            5_000_000_000
        }
    }

    proptest! {
        #[test]
        fn the_store_is_a_map(steps in prop::collection::vec((0_u64..400, 0_u8..4), 1..2_000)) {
            let (store, mut model) = (Shards::<Pair>::default(), BTreeMap::new());
            store.reserve(2_000);
            for (at, (key, step)) in steps.into_iter().enumerate() {
                let value = u64::try_from(at).unwrap();
                let place = store.place(&key);
                let mut shard = store.lock(place);
                match step {
                    0 | 1 => match shard.get_mut(place, &key) {
                        Some(pair) => { pair.1 = value; model.insert(key, value); }
                        None => { shard.insert(place, Pair(key, value)); prop_assert!(model.insert(key, value).is_none()); }
                    },
                    2 => prop_assert_eq!(shard.remove(place, &key).map(|pair| pair.1), model.remove(&key)),
                    _ => prop_assert_eq!(shard.get_mut(place, &key).map(|pair| pair.1), model.get(&key).copied()),
                }
            }
            store.sweep(4_999_999_999, (0, 1), |_| None, |_| panic!("not due"));
            let keep = |pair: &mut Pair| pair.0.is_multiple_of(2).then_some(9_000_000_000);
            store.sweep(5_000_000_000, (0, 1), keep, |pair| assert!(pair.0 % 2 == 1));
            store.sweep(8_999_999_999, (0, 1), |_| None, |_| panic!("not due again"));
            model.retain(|key, _| key % 2 == 0);
            prop_assert_eq!(store.len(), model.len());
            for (key, value) in model {
                let place = store.place(&key);
                prop_assert_eq!(store.lock(place).get_mut(place, &key).map(|pair| pair.1), Some(value));
            }
        }
    }
}
