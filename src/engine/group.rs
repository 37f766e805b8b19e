//! A desk or a firm: what everything below it does together (L1–L3).

use std::sync::Arc;

use parking_lot::Mutex;

use super::controls::Switch;
use crate::domain::decision::Level;
use crate::domain::name::GroupId;
use crate::risk::exposure::GroupTotals;
use crate::risk::limits::GroupLimits;
use crate::risk::owners::Documents;
use crate::risk::window::OrderRate;

/// A group. Locked after the bucket below it and before the group above it.
pub struct Group {
    /// Its name.
    pub id: GroupId,
    /// Desk or firm.
    pub level: Level,
    /// The group above.
    pub parent: Option<Arc<Group>>,
    /// Its trading state.
    pub switch: Switch,
    /// Everything that changes.
    pub state: Mutex<GroupState>,
}

/// What changes about a group.
pub struct GroupState {
    /// Its limits, as they hold.
    pub limits: Arc<GroupLimits>,
    /// Version of the limits: grows with each owner's changes.
    pub version: u64,
    /// The limits as their owners write them.
    pub documents: Documents<GroupLimits>,
    /// What its children do.
    pub totals: GroupTotals,
    /// Orders approved below it.
    pub rate: OrderRate,
}

impl Group {
    /// A group without children.
    #[must_use]
    pub fn new(id: GroupId, level: Level, parent: Option<Arc<Self>>, limits: GroupLimits) -> Self {
        let limits = Arc::new(limits);
        let state = GroupState {
            limits: Arc::clone(&limits),
            version: 1,
            documents: Documents::new(limits, None),
            totals: GroupTotals::default(),
            rate: OrderRate::default(),
        };
        Self {
            id,
            level,
            parent,
            switch: Switch::default(),
            state: Mutex::new(state),
        }
    }
}
