//! Where orders may be rerouted to, checked over all buckets: targets that exist, no self-routes, no cycles (RR2, RR7, RR12).

use std::collections::{BTreeMap, BTreeSet};

use super::read::Cursor;
use crate::domain::name::BucketId;
use crate::engine::setup::{BucketSetup, RouteTarget};

/// Tells every route that cannot be taken.
pub(super) fn check(document: Cursor<'_>, buckets: &[BucketSetup]) {
    let by_id: BTreeMap<&BucketId, &BucketSetup> =
        buckets.iter().map(|bucket| (&bucket.id, bucket)).collect();
    for bucket in buckets {
        let written = targets(document, &bucket.id);
        // Elements that could not be read are problems already, and would shift the numbers of those after them.
        if written.len() != bucket.reroute.targets.len() {
            continue;
        }
        let mut seen = BTreeSet::new();
        for (target, cursor) in bucket.reroute.targets.iter().zip(written) {
            if !seen.insert((&target.bucket, &target.venue, &target.account)) {
                cursor.refuse("each target of a bucket once");
            }
            check_target(bucket, target, cursor, &by_id);
        }
    }
}

fn targets<'n>(document: Cursor<'n>, bucket: &BucketId) -> Vec<Cursor<'n>> {
    let list = document
        .node
        .get("buckets")
        .and_then(|node| node.get(bucket.as_str()))
        .and_then(|node| node.get("reroute"))
        .and_then(|node| node.get("targets"));
    list.and_then(|node| Cursor::new(node, document.problems).list())
        .map(Iterator::collect)
        .unwrap_or_default()
}

fn check_target(
    source: &BucketSetup,
    target: &RouteTarget,
    cursor: Cursor<'_>,
    by_id: &BTreeMap<&BucketId, &BucketSetup>,
) {
    let key = |key: &str| {
        cursor
            .node
            .get(key)
            .map_or(cursor, |node| Cursor { node, ..cursor })
    };
    let receiver = match &target.bucket {
        None => source,
        Some(id) if *id == source.id => {
            key("bucket").refuse("another bucket; leave it out for another account of this one");
            return;
        }
        Some(id) => match by_id.get(id) {
            Some(receiver) => receiver,
            // It is declared but could not be read: told where it stands.
            None => return,
        },
    };
    let account = (target.venue.clone(), target.account.clone());
    if !receiver.accounts.contains(&account) {
        let accounts: Vec<String> = receiver
            .accounts
            .iter()
            .map(|(venue, account)| format!("{account} at {venue}"))
            .collect();
        key("account").refuse(format!(
            "an account of bucket {}: {}",
            receiver.id,
            accounts.join(", ")
        ));
    } else if target.bucket.is_none() && source.accounts.len() == 1 {
        key("account").refuse("another account than the only one of the bucket itself");
    } else if target.bucket.is_some() && leads_back(&receiver.id, &source.id, by_id) {
        key("bucket").refuse(format!(
            "a bucket whose routes do not lead back to {}: this is a cycle",
            source.id
        ));
    }
}

/// Whether routes lead from one bucket to another.
fn leads_back<'b>(
    from: &'b BucketId,
    to: &BucketId,
    by_id: &BTreeMap<&'b BucketId, &'b BucketSetup>,
) -> bool {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(bucket) = open.pop() {
        if bucket == to {
            return true;
        }
        if reached.insert(bucket) {
            let rule = by_id.get(bucket).map(|bucket| &bucket.reroute.targets);
            let next = rule.into_iter().flatten();
            open.extend(next.filter_map(|target| target.bucket.as_ref()));
        }
    }
    false
}
