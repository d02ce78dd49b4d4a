//! Rules about protos, read off the descriptors that the build makes: every library must write a
//! message in one way only, because what is signed is bytes.

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    OneofDescriptorProto,
};

/// The files whose messages are signed.
const SIGNED: &[&str] = &["_commands.proto", "/command.proto", "/values.proto"];

/// Returns our own files among the descriptors of the build.
fn proto_files() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(fenrun::wire::proto::FILE_DESCRIPTORS).unwrap();
    let ours = |file: &FileDescriptorProto| file.package() == "fenrun.v1";
    set.file.into_iter().filter(ours).collect()
}

/// Says whether a field is one of several; an optional one is alone in a oneof of its own.
fn in_real_oneof(field: &FieldDescriptorProto) -> bool {
    field.oneof_index.is_some() && !field.proto3_optional()
}

/// Finds fields that Go writes elsewhere: it writes oneofs after everything else.
fn oneofs_not_last(message: &DescriptorProto, within: &str) -> Vec<String> {
    let name = format!("{within}.{}", message.name());
    let in_none = message.field.iter().filter(|field| !in_real_oneof(field));
    let last_in_none = in_none.map(|field| field.number()).max();
    let before = |field: &&FieldDescriptorProto| {
        in_real_oneof(field) && last_in_none.is_some_and(|last| field.number() < last)
    };
    let before = message.field.iter().filter(before);
    let mut faults: Vec<String> = before
        .map(|field| format!("{name}.{} stands before what is in no oneof", field.name()))
        .collect();
    for nested in &message.nested_type {
        faults.extend(oneofs_not_last(nested, &name));
    }
    faults
}

/// Finds what keeps generated code of other languages from writing a message in one way only.
fn proto_faults(message: &DescriptorProto, within: &str) -> Vec<String> {
    let name = format!("{within}.{}", message.name());
    let mut faults = Vec::new();
    let numbers: Vec<i32> = message.field.iter().map(|field| field.number()).collect();
    if !numbers.is_sorted_by(|before, after| before < after) {
        faults.push(format!(
            "{name}: fields are not declared in ascending order"
        ));
    }
    for (index, oneof) in (0i32..).zip(&message.oneof_decl) {
        let of_it = |field: &&FieldDescriptorProto| field.oneof_index == Some(index);
        let its = message
            .field
            .iter()
            .filter(of_it)
            .map(|field| field.number());
        let (least, most) = (its.clone().min().unwrap(), its.max().unwrap());
        for field in message
            .field
            .iter()
            .filter(|field| field.oneof_index != Some(index))
        {
            if (least..=most).contains(&field.number()) {
                let (field, oneof) = (field.name(), oneof.name());
                faults.push(format!(
                    "{name}.{field} stands between the numbers of {oneof}"
                ));
            }
        }
    }
    for field in &message.field {
        let unpacked = field.options.as_ref().and_then(|options| options.packed) == Some(false);
        if unpacked && field.label() == Label::Repeated {
            faults.push(format!("{name}.{} is not packed", field.name()));
        }
        if matches!(field.r#type(), Type::Float | Type::Double | Type::Group) {
            faults.push(format!("{name}.{} is a float or a group", field.name()));
        }
    }
    let options = |nested: &DescriptorProto| nested.options.clone().unwrap_or_default();
    if message
        .nested_type
        .iter()
        .any(|nested| options(nested).map_entry())
    {
        faults.push(format!("{name} has a map"));
    }
    if !message.extension.is_empty() || !message.extension_range.is_empty() {
        faults.push(format!("{name} has extensions"));
    }
    for nested in &message.nested_type {
        faults.extend(proto_faults(nested, &name));
    }
    faults
}

#[test]
fn protos_are_written_alike_by_all_generated_code() {
    let files = proto_files();
    assert!(files.len() > 10, "the protos were not found");
    let mut faults = Vec::new();
    for file in files {
        assert_eq!(file.syntax(), "proto3", "{}", file.name());
        assert!(file.extension.is_empty(), "{} has extensions", file.name());
        let signed = SIGNED.iter().any(|end| file.name().ends_with(end));
        for message in &file.message_type {
            faults.extend(proto_faults(message, file.name()));
            if signed {
                faults.extend(oneofs_not_last(message, file.name()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Returns a field by name, number and type.
fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        r#type: Some(kind.into()),
        ..FieldDescriptorProto::default()
    }
}

#[test]
fn every_fault_of_a_proto_is_found() {
    let message = |name: &str, field: Vec<FieldDescriptorProto>| DescriptorProto {
        name: Some(name.to_owned()),
        field,
        ..DescriptorProto::default()
    };
    let in_oneof = |field: FieldDescriptorProto| FieldDescriptorProto {
        oneof_index: Some(0),
        ..field
    };
    let oneof = OneofDescriptorProto {
        name: Some("it".to_owned()),
        ..OneofDescriptorProto::default()
    };
    let (a, b, c) = (
        field("a", 1, Type::Uint32),
        field("b", 2, Type::Bytes),
        field("c", 3, Type::String),
    );
    let mut right = message(
        "Right",
        vec![a.clone(), in_oneof(b.clone()), in_oneof(c.clone())],
    );
    right.oneof_decl.push(oneof);
    assert_eq!(proto_faults(&right, "p"), Vec::<String>::new());

    assert_eq!(oneofs_not_last(&right, "p"), Vec::<String>::new());
    let mut not_last = right.clone();
    not_last.field.push(field("d", 4, Type::Bool));
    let expected =
        ["b", "c"].map(|field| format!("p.Right.{field} stands before what is in no oneof"));
    assert_eq!(oneofs_not_last(&not_last, "p"), expected);

    let unordered = message("Wrong", vec![b.clone(), a.clone()]);
    let mut between = right.clone();
    between.field = vec![in_oneof(a), b, in_oneof(c)];
    let mut unpacked = field("d", 4, Type::Uint32);
    unpacked.set_label(Label::Repeated);
    unpacked.options.get_or_insert_default().packed = Some(false);
    let float = message("Wrong", vec![field("e", 5, Type::Double)]);
    let mut entry = message("Entry", Vec::new());
    entry.options.get_or_insert_default().map_entry = Some(true);
    let mut map = message("Wrong", Vec::new());
    map.nested_type.push(entry);
    let mut extended = message("Wrong", Vec::new());
    extended.extension.push(field("f", 6, Type::Uint32));
    for (wrong, expected) in [
        (
            unordered,
            "p.Wrong: fields are not declared in ascending order",
        ),
        (between, "p.Right.b stands between the numbers of it"),
        (message("Wrong", vec![unpacked]), "p.Wrong.d is not packed"),
        (float, "p.Wrong.e is a float or a group"),
        (map, "p.Wrong has a map"),
        (extended, "p.Wrong has extensions"),
    ] {
        assert_eq!(proto_faults(&wrong, "p"), [expected]);
    }
}
