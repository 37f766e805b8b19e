//! Planted faults for the tests of what a fault may reach.

use crate::domain::name::ClOrdId;

/// Panics where the id asks for it.
pub(super) fn strike(id: &ClOrdId) {
    assert!(!id.as_str().starts_with("fault:"), "a planted fault");
}
