//! The wire contract `bulkhead.v1` as Rust code, generated from `proto/` by the build. Knows nothing of the domain.
#![allow(
    missing_docs,
    reason = "oneof modules and server types carry none; every proto element does"
)]
#![allow(
    clippy::all,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "generated code"
)]
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    reason = "generated code"
)]

tonic::include_proto!("bulkhead.v1");

/// The order path as the gateway serves it: decisions, and the answers of a session, are [`crate::pb_codec::Encoded`].
pub mod served {
    include!(concat!(env!("OUT_DIR"), "/served/bulkhead.v1.rs"));
}

/// The encoded `FileDescriptorSet` of the contract, its imports and `google.rpc`, with comments: for reflection.
pub const DESCRIPTOR: &[u8] = tonic::include_file_descriptor_set!("bulkhead");

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]
    use std::collections::HashSet;

    use prost::Message as _;
    use prost_types::{
        DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    };

    use super::{Check, LimitKind, Reason};

    /// Names of the elements of one file that have no leading comment.
    struct Undocumented {
        commented: HashSet<Vec<i32>>,
        names: Vec<String>,
    }

    impl Undocumented {
        fn of(file: &FileDescriptorProto) -> Vec<String> {
            let commented = file
                .source_code_info
                .iter()
                .flat_map(|info| &info.location)
                .filter(|location| !location.leading_comments().trim().is_empty())
                .map(|location| location.path.clone())
                .collect();
            let mut found = Self {
                commented,
                names: Vec::new(),
            };
            for (message, index) in file.message_type.iter().zip(0..) {
                found.message(message, &[4, index], file.package());
            }
            for (enumeration, index) in file.enum_type.iter().zip(0..) {
                found.enumeration(enumeration, &[5, index], file.package());
            }
            for (service, index) in file.service.iter().zip(0..) {
                found.element(&[6, index], file.package(), service.name());
                for (method, at) in service.method.iter().zip(0..) {
                    found.element(&[6, index, 2, at], service.name(), method.name());
                }
            }
            found.names
        }

        fn message(&mut self, message: &DescriptorProto, path: &[i32], parent: &str) {
            self.element(path, parent, message.name());
            for (field, index) in message.field.iter().zip(0..) {
                self.element(&[path, &[2, index]].concat(), message.name(), field.name());
            }
            for (nested, index) in message.nested_type.iter().zip(0..) {
                self.message(nested, &[path, &[3, index]].concat(), message.name());
            }
            for (enumeration, index) in message.enum_type.iter().zip(0..) {
                self.enumeration(enumeration, &[path, &[4, index]].concat(), message.name());
            }
            for (oneof, index) in message.oneof_decl.iter().zip(0..) {
                // `optional` is a oneof that the compiler makes up.
                if !oneof.name().starts_with('_') {
                    self.element(&[path, &[8, index]].concat(), message.name(), oneof.name());
                }
            }
        }

        fn enumeration(&mut self, enumeration: &EnumDescriptorProto, path: &[i32], parent: &str) {
            self.element(path, parent, enumeration.name());
            for (value, index) in enumeration.value.iter().zip(0..) {
                self.element(
                    &[path, &[2, index]].concat(),
                    enumeration.name(),
                    value.name(),
                );
            }
        }

        fn element(&mut self, path: &[i32], parent: &str, name: &str) {
            if !self.commented.contains(path) {
                self.names.push(format!("{parent}.{name}"));
            }
        }
    }

    fn descriptor() -> FileDescriptorSet {
        FileDescriptorSet::decode(super::DESCRIPTOR).expect("the build wrote a descriptor set")
    }

    #[test]
    fn every_element_of_the_contract_has_a_comment() {
        let set = descriptor();
        let contract: Vec<_> = set
            .file
            .iter()
            .filter(|file| file.package() == "bulkhead.v1")
            .collect();
        assert_eq!(contract.len(), 5);
        let undocumented: Vec<_> = contract.into_iter().flat_map(Undocumented::of).collect();
        assert_eq!(undocumented, Vec::<String>::new());
    }

    #[test]
    fn a_missing_comment_is_found() {
        let mut set = descriptor();
        let file = set
            .file
            .iter_mut()
            .find(|file| file.name().ends_with("gateway.proto"))
            .expect("gateway.proto is in the set");
        file.source_code_info = None;
        let undocumented = Undocumented::of(file);
        for name in [
            "bulkhead.v1.Order",
            "Order.price",
            "Order.quantity_kind",
            "ExecType.EXEC_TYPE_NEW",
        ] {
            assert!(undocumented.iter().any(|found| found == name), "{name}");
        }
        assert!(
            undocumented
                .iter()
                .any(|found| found == "GatewayService.Decide")
        );
    }

    #[test]
    fn error_details_are_served_with_the_contract() {
        let set = descriptor();
        for name in ["google/rpc/error_details.proto", "google/rpc/status.proto"] {
            assert!(set.file.iter().any(|file| file.name() == name), "{name}");
        }
    }

    #[test]
    fn every_reason_has_a_check_of_its_name_and_a_bit_of_its_own() {
        let mut bits = HashSet::new();
        for number in 1..1_000 {
            let Ok(reason) = Reason::try_from(number) else {
                continue;
            };
            let name = reason.as_str_name().trim_start_matches("REASON_");
            let check =
                Check::from_str_name(&format!("CHECK_{name}")).expect("a check with this name");
            let bit = i32::from(check);
            assert!((1..64).contains(&bit), "{name}");
            assert!(bits.insert(bit), "{name}");
        }
        assert_eq!(bits.len(), 51);
    }

    #[test]
    fn every_limit_kind_has_the_number_and_name_of_its_reason() {
        for number in 1..1_000 {
            match LimitKind::try_from(number) {
                // It skips a target and is no reason.
                Ok(LimitKind::InboundNotional) | Err(_) => {}
                Ok(kind) => assert_eq!(
                    kind.as_str_name().trim_start_matches("LIMIT_KIND_"),
                    Reason::try_from(number)
                        .expect("a reason with this number")
                        .as_str_name()
                        .trim_start_matches("REASON_"),
                ),
            }
        }
    }
}
