//! The JSON schema of `.cce-fix.yaml`, made from the types that read it.

use serde_json::{Map, Value, json};
use transforms::{ALL, GROUPS};

use super::{Config, Requests};

/// A parameter of a transform.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its key.
    pub key: String,
    /// What it decides.
    pub description: String,
    /// What holds where it is not given; null for nothing.
    pub default: Value,
}

/// The schema of the configuration.
pub fn schema() -> Value {
    let mut schema = Value::from(schemars::schema_for!(Config));
    let names: Vec<&str> = ALL.iter().map(|transform| transform.meta().id).chain(GROUPS).collect();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!("The configuration of cce-fix, .cce-fix.yaml"));
    }
    for key in ["select", "ignore"] {
        if let Some(items) = schema.pointer_mut(&format!("/properties/{key}/items")) {
            // An editor can then offer them.
            items["enum"] = json!(names);
        }
    }
    if let Some(forge) = schema.pointer_mut("/$defs/Requests/properties/forge") {
        let names = Requests::forges().into_iter().map(Value::from).chain([Value::Null]);
        forge["enum"] = names.collect();
    }
    unwrap_text(&mut schema);
    schema
}

/// A line of a comment in code is no line to a reader of the schema.
fn unwrap_text(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text =
                    text.split("\n\n").map(|part| part.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
            }
            map.values_mut().for_each(unwrap_text);
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_text),
        _ => {}
    }
}

/// The parameters of the transform `id`, by their keys.
pub fn parameters(id: &str) -> Vec<Parameter> {
    let schema = schema();
    let Some(entry) = schema.pointer(&format!("/$defs/Transforms/properties/{id}")) else {
        return Vec::new();
    };
    let named = entry["$ref"].as_str().and_then(|target| schema.pointer(target.trim_start_matches('#')));
    let Some(properties) = named.and_then(|named| named["properties"].as_object()) else { return Vec::new() };
    properties.iter().map(|(key, property)| parameter(key, property, &schema)).collect()
}

fn parameter(key: &str, property: &Value, schema: &Value) -> Parameter {
    let of = |property: &Map<String, Value>| {
        property.get("description").and_then(Value::as_str).map(str::to_owned)
    };
    let mut description = property.as_object().and_then(of).unwrap_or_default();
    let choices = choices(property, schema);
    if !choices.is_empty() {
        description = format!("{} One of `{}`.", description, choices.join("`, `"));
    }
    Parameter {
        key: key.to_owned(),
        description,
        default: property.get("default").cloned().unwrap_or_default(),
    }
}

/// The words that a value is chosen from.
fn choices(property: &Value, schema: &Value) -> Vec<String> {
    let targets = property["anyOf"].as_array().into_iter().flatten().chain([property]);
    let named = targets.filter_map(|target| schema.pointer(target["$ref"].as_str()?.trim_start_matches('#')));
    let variants = named.filter_map(|named| named["oneOf"].as_array()).flatten();
    variants.filter_map(|variant| variant["const"].as_str()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_what_holds_without_them() {
        let parameter =
            |id: &str, key: &str| parameters(id).into_iter().find(|parameter| parameter.key == key).unwrap();
        assert_eq!(parameter("resources", "ratio").default, json!(1.5));
        assert_eq!(parameter("resources", "cpu").default, json!("250m"));
        assert_eq!(parameter("run-as-user", "uid").default, json!(1000));
        assert_eq!(parameter("host-path", "timezone").default, Value::Null);
        assert!(parameter("run-as-user", "policy").description.ends_with("One of `inject`, `image`."));
        assert!(parameter("metadata-access", "node-script").description.ends_with("One of `vpc`, `tunnel`."));
        assert_eq!(parameters("host-pid"), []);
    }

    /// What nobody describes, nobody can use.
    #[test]
    fn everything_is_described() {
        let schema = schema();
        let mut objects = vec![("the configuration".to_owned(), &schema)];
        objects
            .extend(schema["$defs"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), value)));
        for (name, object) in objects {
            for (key, property) in object["properties"].as_object().into_iter().flatten() {
                assert!(property["description"].is_string(), "{name}: {key}");
            }
            if object["properties"].is_object() {
                assert_eq!(object["additionalProperties"], json!(false), "{name}");
            }
        }
    }

    #[test]
    fn every_transform_with_parameters_is_one() {
        let schema = schema();
        let keys = schema.pointer("/$defs/Transforms/properties").unwrap().as_object().unwrap().keys();
        let ids: Vec<&str> = ALL.iter().map(|transform| transform.meta().id).collect();
        for key in keys.filter(|key| *key != "all") {
            assert!(ids.contains(&key.as_str()), "{key}");
            assert!(!parameters(key).is_empty(), "{key}");
        }
    }
}
