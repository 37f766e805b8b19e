//! Replay of real exchange order flow against a gateway, the way an order management system would drive it.
//!
//! In reading order:
//! [`lobster`] reads the file.
//! Nothing here opens a connection, and nothing here knows a limit or a rule.

pub mod lobster;
