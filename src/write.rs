//! The only place that writes user files.
