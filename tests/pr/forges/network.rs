//! What happens on the way to a forge.
