//! The levels above a bucket: its groups upward, and, by account, the venue and the counterparty there.

use std::sync::Arc;

use arrayvec::ArrayVec;

use super::Group;
use crate::domain::decision::Level;
use crate::engine::DEPTH;

/// Most levels above one order: its groups, its venue and its counterparty.
pub const LEVELS: usize = DEPTH + 2;

/// Everything above a bucket that counts it.
#[derive(Default)]
pub struct Levels {
    /// The groups, the nearest first.
    pub path: Box<[Arc<Group>]>,
    /// Venues and then counterparties of its accounts, each once and by name: the order in which they are locked.
    pub around: Box<[Arc<Group>]>,
    /// By account, which of them count it.
    at: Box<[ArrayVec<u8, 2>]>,
}

impl Levels {
    /// The groups of a path, and the levels that each account has.
    #[must_use]
    pub fn new(path: Vec<Arc<Group>>, accounts: &[Vec<Arc<Group>>]) -> Self {
        let mut around: Vec<Arc<Group>> = accounts.iter().flatten().map(Arc::clone).collect();
        let key = |group: &Arc<Group>| (group.level, group.id.clone());
        around.sort_by_key(key);
        around.dedup_by_key(|group| key(group));
        let place = |group: &Arc<Group>| {
            let at = around.iter().position(|known| Arc::ptr_eq(known, group));
            at.and_then(|at| u8::try_from(at).ok())
        };
        let at = accounts
            .iter()
            .map(|levels| levels.iter().filter_map(place).take(2).collect())
            .collect();
        Self {
            path: path.into_boxed_slice(),
            at,
            around: around.into_boxed_slice(),
        }
    }

    /// The same accounts under another path.
    #[must_use]
    pub fn under(&self, path: Vec<Arc<Group>>) -> Self {
        Self {
            path: path.into_boxed_slice(),
            around: self.around.clone(),
            at: self.at.clone(),
        }
    }

    /// Places, among those around, that count an account.
    #[must_use]
    pub fn around_of(&self, account: u16) -> &[u8] {
        self.at
            .get(usize::from(account))
            .map_or(&[], ArrayVec::as_slice)
    }

    /// Every level that counts an account, the nearest first.
    pub fn over(&self, account: u16) -> impl Iterator<Item = &Arc<Group>> {
        let around = self.around_of(account).iter();
        let around = around.filter_map(|at| self.around.get(usize::from(*at)));
        self.path.iter().chain(around)
    }

    /// The groups that a self-match rule reaching so far looks at.
    pub fn within(&self, scope: Option<Level>) -> impl Iterator<Item = &Arc<Group>> {
        let scope = scope.unwrap_or(Level::Bucket);
        self.path.iter().filter(move |group| group.level <= scope)
    }
}
