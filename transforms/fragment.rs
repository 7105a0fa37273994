//! Fragments of manifests, built from Kubernetes' own types so that no field can be misspelt.

use rewriter::{Edit, Path, Value};
use serde::Serialize;

/// The edits that put the fields of `fragment` into the map at `path`, beside what stands there.
pub(crate) fn merge(path: &Path, fragment: &impl Serialize) -> Vec<Edit> {
    Edit::merge(path, value(fragment))
}

/// Fields that people write first; the types know the alphabetical order alone.
const FIRST: [&str; 6] = ["key", "name", "operator", "requests", "runAsUser", "type"];

/// `fragment` as a value to write.
pub(crate) fn value(fragment: &impl Serialize) -> Value {
    // Kubernetes' types always serialise; a test tells if one ever does not.
    serde_yaml::to_value(fragment).map_or(Value::Null, convert)
}

fn convert(value: serde_yaml::Value) -> Value {
    match value {
        serde_yaml::Value::Null => Value::Null,
        serde_yaml::Value::Bool(value) => Value::Bool(value),
        serde_yaml::Value::Number(number) => {
            number.as_i64().map_or_else(|| Value::String(number.to_string()), Value::Integer)
        }
        serde_yaml::Value::String(text) => Value::String(text),
        serde_yaml::Value::Sequence(items) => Value::Sequence(items.into_iter().map(convert).collect()),
        serde_yaml::Value::Mapping(entries) => {
            let mut entries: Vec<(String, Value)> = entries
                .into_iter()
                .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), convert(value))))
                .collect();
            entries.sort_by_key(|(key, _)| !FIRST.contains(&key.as_str()));
            Value::Mapping(entries)
        }
        serde_yaml::Value::Tagged(tagged) => convert(tagged.value),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{EmptyDirVolumeSource, SecurityContext, Volume};

    use super::*;

    #[test]
    fn unset_fields_are_not_written() {
        let fragment = SecurityContext { run_as_user: Some(1000), ..Default::default() };
        let path = Path::root().key("securityContext");
        assert_eq!(merge(&path, &fragment), [Edit::set(path.key("runAsUser"), 1000)]);
    }

    #[test]
    fn fields_come_in_the_order_in_which_people_write_them() {
        let volume = Volume {
            name: "tmp".to_owned(),
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..Default::default()
        };
        let expected =
            vec![("name".to_owned(), "tmp".into()), ("emptyDir".to_owned(), Value::Mapping(vec![]))];
        assert_eq!(value(&volume), Value::Mapping(expected));
    }
}
