//! The gRPC services, one file a service; nothing is decided here.
