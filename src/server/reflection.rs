//! Reflection v1 and v1alpha: the contract, health, and the error details that statuses carry.

use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

use super::CONTROL_MESSAGE_MAX;
use crate::pb;

/// Adds both versions to routes, or nothing where `enabled` is false. Newer clients ask v1 first, older ones know v1alpha only.
pub(super) fn services(
    enabled: bool,
) -> Result<impl Fn(Routes) -> Routes + Clone + Send + 'static, Error> {
    let versions = if enabled {
        let v1 = contract()
            .build_v1()?
            .max_decoding_message_size(CONTROL_MESSAGE_MAX);
        let v1alpha = contract()
            .build_v1alpha()?
            .max_decoding_message_size(CONTROL_MESSAGE_MAX);
        Some((v1, v1alpha))
    } else {
        None
    };
    Ok(move |routes: Routes| match &versions {
        Some((v1, v1alpha)) => routes.add_service(v1.clone()).add_service(v1alpha.clone()),
        None => routes,
    })
}

fn contract() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(pb::DESCRIPTOR)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
