//! Generated protobuf and its conversion to and from domain values, one file a resource.
