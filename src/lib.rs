//! Bulkhead: a gRPC pre-trade risk gateway. Each bucket of capital is held to its own limits.

pub mod pb;
pub mod pb_codec;
