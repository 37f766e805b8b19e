//! Bulkhead: a gRPC pre-trade risk gateway. Each bucket of capital is held to its own limits.

pub mod domain;
pub mod risk;

pub mod engine;

pub mod pb;
pub mod pb_codec;

pub mod grpc;

pub mod replay;
