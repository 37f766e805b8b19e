//! The names a document declares, known before its parts are read so that each can refer to any other.

use std::collections::BTreeSet;

use super::node::{Data, Node};
use super::read::Cursor;
use crate::domain::name::{BucketId, GroupId, InstrumentId, Kind, Name, OwnerId, Tag, VenueId};

/// Declared names by kind.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) venues: BTreeSet<VenueId>,
    pub(super) instruments: BTreeSet<InstrumentId>,
    pub(super) groups: BTreeSet<GroupId>,
    pub(super) buckets: BTreeSet<BucketId>,
    pub(super) calendars: BTreeSet<Tag>,
    pub(super) profiles: BTreeSet<Tag>,
    /// Underlyings of the instruments, spelled out or taken from the base.
    pub(super) underlyings: BTreeSet<Tag>,
    pub(super) sectors: BTreeSet<Tag>,
    /// Who writes limits: two, or nobody by name.
    pub(super) owners: Vec<OwnerId>,
}

impl Names {
    /// Collects the names; those that are malformed are told here for venues, and where they are read for everything else.
    pub(super) fn of(document: Cursor<'_>) -> Self {
        let root = document.node;
        let venues = root.get("venues").map_or_else(BTreeSet::new, |node| {
            let venues = Cursor::new(node, document.problems).named();
            venues
                .into_iter()
                .filter(|(_, what)| what.is_table() || what.text().is_some())
                .map(|(venue, _)| venue)
                .collect()
        });
        let underlying = |instrument: &Node| {
            instrument
                .get("underlying")
                .or_else(|| instrument.get("base"))
                .and_then(name)
        };
        let sector = |instrument: &Node| instrument.get("sector").and_then(name);
        Self {
            venues,
            instruments: keys(root, "instruments"),
            groups: keys(root, "groups"),
            buckets: keys(root, "buckets"),
            calendars: keys(root, "calendars"),
            profiles: keys(root, "profiles"),
            underlyings: entries(root, "instruments")
                .filter_map(underlying)
                .collect(),
            sectors: entries(root, "instruments").filter_map(sector).collect(),
            owners: root
                .get("engine")
                .and_then(|engine| engine.get("owners"))
                .map(|node| owners(Cursor::new(node, document.problems)))
                .unwrap_or_default(),
        }
    }
}

/// The two owners of every document of limits (O4).
fn owners(cursor: Cursor<'_>) -> Vec<OwnerId> {
    let Some(elements) = cursor.list() else {
        return Vec::new();
    };
    let owners: Vec<OwnerId> = elements.filter_map(Cursor::name).collect();
    match owners.as_slice() {
        [first, second] if first != second => owners,
        _ => {
            cursor.refuse("two different names, or nothing where limits have one owner");
            Vec::new()
        }
    }
}

fn keys<K: Kind>(root: &Node, table: &str) -> BTreeSet<Name<K>> {
    if let Some(Node {
        data: Data::Table(entries),
        ..
    }) = root.get(table)
    {
        entries.keys().filter_map(|key| key.parse().ok()).collect()
    } else {
        BTreeSet::new()
    }
}

fn entries<'n>(root: &'n Node, table: &str) -> impl Iterator<Item = &'n Node> {
    let entries = if let Some(Node {
        data: Data::Table(entries),
        ..
    }) = root.get(table)
    {
        Some(entries.values())
    } else {
        None
    };
    entries.into_iter().flatten()
}

fn name<K: Kind>(node: &Node) -> Option<Name<K>> {
    if let Data::Text(text) = &node.data {
        text.parse().ok()
    } else {
        None
    }
}
