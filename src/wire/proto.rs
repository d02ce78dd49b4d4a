//! What the build generates from `proto/`: messages, services and their descriptors.

#![allow(
    missing_docs,
    rustdoc::all,
    clippy::all,
    clippy::pedantic,
    reason = "generated code keeps no house rules: it is checked by what it reads and writes"
)]

tonic::include_proto!("fenrun.v1");

/// The descriptors of every file under `proto/`, a serialized `FileDescriptorSet`.
pub const FILE_DESCRIPTORS: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/fenrun.v1.descriptors"));
