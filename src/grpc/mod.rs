//! The edge: the only code that knows tonic and prost. It turns messages into values and values into messages, and asks the engine in
//! between. It decides nothing: two amounts of which one is a limit are never compared here.

pub mod convert;
