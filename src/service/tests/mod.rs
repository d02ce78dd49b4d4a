//! Tests of the service, over gRPC, on an engine whose stores break when they are told to.

mod faults;
