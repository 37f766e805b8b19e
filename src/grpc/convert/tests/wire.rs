//! Encoded messages that can be damaged field by field, by what the contract's own descriptor says of them.

use std::collections::BTreeMap;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// The contract, by full names such as `.bulkhead.v1.Order`.
pub struct Schema {
    pub messages: BTreeMap<String, DescriptorProto>,
    /// Inputs of every method.
    pub inputs: Vec<String>,
    /// Leading comments by `Message.field`.
    comments: BTreeMap<String, String>,
}

impl Schema {
    pub fn load() -> Self {
        let set = FileDescriptorSet::decode(crate::pb::DESCRIPTOR).unwrap();
        let mut schema = Self {
            messages: BTreeMap::new(),
            inputs: Vec::new(),
            comments: BTreeMap::new(),
        };
        for file in &set.file {
            let locations = file.source_code_info.iter().flat_map(|it| &it.location);
            let comments: BTreeMap<_, _> = locations
                .map(|location| (location.path.as_slice(), location.leading_comments().trim()))
                .collect();
            for (message, index) in file.message_type.iter().zip(0_i32..) {
                let name = format!(".{}.{}", file.package(), message.name());
                schema.messages.insert(name, message.clone());
                for (field, at) in message.field.iter().zip(0_i32..) {
                    let comment = comments.get([4, index, 2, at].as_slice());
                    let name = format!("{}.{}", message.name(), field.name());
                    let comment = comment.copied().unwrap_or_default();
                    schema.comments.insert(name, comment.to_owned());
                }
            }
            if file.package() == "bulkhead.v1" {
                for service in &file.service {
                    let inputs = service.method.iter().map(|it| it.input_type().to_owned());
                    schema.inputs.extend(inputs);
                }
            }
        }
        schema
    }

    pub fn comment(&self, field: &str) -> &str {
        &self.comments[field]
    }

    /// Every field below a message, as `Message.field`. Values made of one text or of two numbers count as one field.
    pub fn fields_below(&self, message: &str, into: &mut std::collections::BTreeSet<String>) {
        let descriptor = &self.messages[message];
        for field in &descriptor.field {
            let name = format!("{}.{}", descriptor.name(), field.name());
            if into.insert(name) && field.r#type() == Type::Message && !is_leaf(field.type_name()) {
                self.fields_below(field.type_name(), into);
            }
        }
    }
}

/// Messages that are damaged as a whole.
pub fn is_leaf(type_name: &str) -> bool {
    [
        ".bulkhead.v1.Decimal",
        ".google.protobuf.Timestamp",
        ".google.protobuf.Duration",
    ]
    .contains(&type_name)
}

/// A message taken apart. Packed lists are unpacked, which decoders take as well.
#[derive(Clone, Debug)]
pub struct Tree {
    pub type_name: String,
    pub fields: Vec<(FieldDescriptorProto, Node)>,
}

#[derive(Clone, Debug)]
pub enum Node {
    Number(u64),
    Text(Vec<u8>),
    Message(Tree),
}

fn take_varint(bytes: &mut &[u8]) -> u64 {
    prost::encoding::decode_varint(bytes).unwrap()
}

fn take<'b>(bytes: &mut &'b [u8]) -> &'b [u8] {
    let length = usize::try_from(take_varint(bytes)).unwrap();
    let (head, tail) = bytes.split_at(length);
    *bytes = tail;
    head
}

impl Tree {
    pub fn parse(schema: &Schema, type_name: &str, mut bytes: &[u8]) -> Self {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = take_varint(&mut bytes);
            let (number, wire_type) = (i32::try_from(tag >> 3).unwrap(), tag & 7);
            let message = &schema.messages[type_name];
            let mut declared = message.field.iter();
            let field = declared.find(|field| field.number() == number).unwrap();
            match (wire_type, field.r#type()) {
                (0, _) => {
                    let number = take_varint(&mut bytes);
                    fields.push((field.clone(), Node::Number(number)));
                }
                (2, Type::Message) => {
                    let inner = Self::parse(schema, field.type_name(), take(&mut bytes));
                    fields.push((field.clone(), Node::Message(inner)));
                }
                (2, Type::String) => {
                    let text = take(&mut bytes).to_vec();
                    fields.push((field.clone(), Node::Text(text)));
                }
                (2, _) => {
                    let mut packed = take(&mut bytes);
                    while !packed.is_empty() {
                        let number = take_varint(&mut packed);
                        fields.push((field.clone(), Node::Number(number)));
                    }
                }
                other => panic!("no field of the contract's requests is encoded as {other:?}"),
            }
        }
        Self {
            type_name: type_name.to_owned(),
            fields,
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        use prost::encoding::{WireType, encode_key, encode_varint};
        let mut bytes = Vec::new();
        for (field, node) in &self.fields {
            let number = u32::try_from(field.number()).unwrap();
            let inner;
            let delimited = match node {
                Node::Number(value) => {
                    encode_key(number, WireType::Varint, &mut bytes);
                    encode_varint(*value, &mut bytes);
                    continue;
                }
                Node::Text(text) => text,
                Node::Message(tree) => {
                    inner = tree.encode();
                    &inner
                }
            };
            encode_key(number, WireType::LengthDelimited, &mut bytes);
            encode_varint(delimited.len().try_into().unwrap(), &mut bytes);
            bytes.extend_from_slice(delimited);
        }
        bytes
    }

    fn message_name(&self) -> &str {
        self.type_name.rsplit('.').next().unwrap()
    }

    /// Every place in the message, outermost first.
    pub fn sites(&self) -> Vec<Site> {
        let mut sites = Vec::new();
        self.collect("", &[], &mut sites);
        sites
    }

    fn collect(&self, prefix: &str, steps: &[usize], sites: &mut Vec<Site>) {
        let mut counts = BTreeMap::new();
        for (place, (field, node)) in self.fields.iter().enumerate() {
            let count: &mut usize = counts.entry(field.number()).or_default();
            let list = if prefix.is_empty() {
                field.name().to_owned()
            } else {
                format!("{prefix}.{}", field.name())
            };
            let repeated = field.label() == Label::Repeated;
            let path = if repeated {
                format!("{list}[{count}]")
            } else {
                list.clone()
            };
            *count += 1;
            let occurrences = self
                .fields
                .iter()
                .filter(|(it, _)| it.number() == field.number());
            let steps = [steps, &[place]].concat();
            sites.push(Site {
                name: format!("{}.{}", self.message_name(), field.name()),
                message: self.type_name.clone(),
                field: field.clone(),
                parent: prefix.to_owned(),
                list,
                path: path.clone(),
                last_of_list: repeated && occurrences.count() == 1,
                steps: steps.clone(),
            });
            if let Node::Message(inner) = node
                && !is_leaf(field.type_name())
            {
                inner.collect(&path, &steps, sites);
            }
        }
    }

    fn at(&mut self, steps: &[usize]) -> &mut Self {
        match steps {
            [] => self,
            [first, rest @ ..] => match &mut self.fields[*first].1 {
                Node::Message(inner) => inner.at(rest),
                Node::Number(_) | Node::Text(_) => panic!("not a message"),
            },
        }
    }

    /// The message without what is at a place.
    pub fn without(&self, site: &Site) -> Self {
        let mut tree = self.clone();
        let (place, parents) = site.steps.split_last().unwrap();
        tree.at(parents).fields.remove(*place);
        tree
    }

    /// The message with something else at a place.
    pub fn with(&self, site: &Site, node: Node) -> Self {
        let mut tree = self.clone();
        let (place, parents) = site.steps.split_last().unwrap();
        tree.at(parents).fields[*place].1 = node;
        tree
    }
}

/// A place in a message.
#[derive(Clone, Debug)]
pub struct Site {
    /// `Message.field`.
    pub name: String,
    /// Full name of the message that the field belongs to.
    pub message: String,
    pub field: FieldDescriptorProto,
    /// Path of that message.
    pub parent: String,
    /// Path of the field.
    pub list: String,
    /// Path of the field, or of the item in it.
    pub path: String,
    /// Whether it is the only item of a list.
    pub last_of_list: bool,
    steps: Vec<usize>,
}

/// A timestamp or a duration.
pub fn time(seconds: i64, nanos: i32) -> Vec<u8> {
    prost_types::Timestamp { seconds, nanos }.encode_to_vec()
}
