//! In what two experiments differ.

use serde_json::{Map, Value};

/// The first path at which two experiments differ, with what stands there; `None` where they agree.
pub(crate) fn first_difference(there: &Value, now: &Value, path: &str) -> Option<String> {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match (there, now) {
        (Value::Object(a), Value::Object(b)) => {
            let extra = a.keys().filter(|key| !b.contains_key(*key));
            b.keys().chain(extra).find_map(|key| {
                let side = |map: &Map<String, Value>| map.get(key).cloned();
                match (side(a), side(b)) {
                    (Some(x), Some(y)) => first_difference(&x, &y, &below(key)),
                    (x, y) => Some(differ(&below(key), x.as_ref(), y.as_ref())),
                }
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(i, (x, y))| first_difference(x, y, &format!("{path}[{i}]")))
        }
        _ if there == now => None,
        _ => Some(differ(path, Some(there), Some(now))),
    }
}

fn differ(path: &str, there: Option<&Value>, now: Option<&Value>) -> String {
    let text = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
    format!("{path} is {} there and {} now", text(there), text(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named_with_both_values() {
        let a = json!({"ppo": {"rate": 0.1, "hidden": [64, 64]}, "task": null});
        assert_eq!(first_difference(&a, &a.clone(), ""), None);
        let cases = [
            (
                json!({"ppo": {"rate": 0.2, "hidden": [64, 64]}, "task": null}),
                "ppo.rate is 0.1 there and 0.2 now",
            ),
            (
                json!({"ppo": {"rate": 0.1, "hidden": [64, 32]}, "task": null}),
                "ppo.hidden[1] is 64 there and 32 now",
            ),
            (
                json!({"ppo": {"rate": 0.1, "hidden": [64]}, "task": null}),
                "ppo.hidden is [64,64] there and [64] now",
            ),
            (
                json!({"ppo": {"rate": 0.1, "hidden": [64, 64]}}),
                "task is null there and absent now",
            ),
            (
                json!({"x": 1, "ppo": {"rate": 0.1, "hidden": [64, 64]}, "task": null}),
                "x is absent there and 1 now",
            ),
        ];
        for (b, text) in cases {
            assert_eq!(first_difference(&a, &b, "").as_deref(), Some(text));
        }
    }
}
