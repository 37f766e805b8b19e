//! Compiles `proto/` without protoc: a descriptor set for reflection and clients, and the Rust code.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;
use tonic_prost_build::FileDescriptorSet;

/// The contract: code is generated for these.
const CONTRACT: &[&str] = &[
    "bulkhead/v1/types.proto",
    "bulkhead/v1/gateway.proto",
    "bulkhead/v1/admin.proto",
    "bulkhead/v1/market.proto",
    "bulkhead/v1/monitor.proto",
];

/// How messages become bytes.
const CODEC: &str = "crate::pb_codec::EdgeCodec";

/// Served by reflection, so that clients can print error details; `tonic-types` has the Rust code.
const ERROR_DETAILS: &[&str] = &["google/rpc/status.proto", "google/rpc/error_details.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(CONTRACT.iter().chain(ERROR_DETAILS))?;
    let encoded = compiler.encode_file_descriptor_set();
    std::fs::write(out.join("bulkhead.bin"), &encoded)?;

    let mut contract = FileDescriptorSet::decode(encoded.as_slice())?;
    contract
        .file
        .retain(|file| !file.package().starts_with("google.rpc"));
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure()
        .codec_path(CODEC)
        .compile_fds_with_config(contract.clone(), config)?;
    served(contract, out.join("served"))
}

/// The order path once more, as the gateway serves it: decisions and the answers of a session are encoded when they are made, and then
/// sent, kept and sent again as they are; orders are read from the bytes they came in. All other messages are those of the contract.
fn served(mut contract: FileDescriptorSet, out: PathBuf) -> Result<(), Box<dyn Error>> {
    contract
        .file
        .retain(|file| file.name() == "bulkhead/v1/gateway.proto");
    std::fs::create_dir_all(&out)?;
    let mut config = tonic_prost_build::Config::new();
    config.extern_path(".bulkhead.v1", "crate::pb");
    for response in [
        "Decide",
        "DecideBasket",
        "DecideQuote",
        "Replace",
        "WhatIf",
        "Session",
    ] {
        let response = format!(".bulkhead.v1.{response}Response");
        config.extern_path(response, "crate::pb_codec::Encoded");
    }
    for request in ["Decide", "Session"] {
        let request = format!(".bulkhead.v1.{request}Request");
        config.extern_path(request, "crate::pb_codec::Received");
    }
    tonic_prost_build::configure()
        .build_client(false)
        .out_dir(out)
        .codec_path(CODEC)
        .compile_fds_with_config(contract, config)?;
    Ok(())
}
