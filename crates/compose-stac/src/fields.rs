//! Fields of a JSON object: what is asked for is checked, with a message that says where it stands.

use crate::error::{StacError, shown};
use crate::href::Href;
use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Where values stand, for messages.
pub(crate) struct Place<'a> {
    pub document: &'a Href,
    /// `item S2B_33TWL_20230820_0_L2A`, with `: asset red` where the value is in an asset.
    pub item: String,
}

impl Place<'_> {
    /// What is said of a value that is something else.
    pub(crate) fn wrong(&self, field: &str, found: &Value, expected: &'static str) -> StacError {
        let (document, item) = (self.document.to_string(), self.item.clone());
        StacError::Field { document, item, field: field.into(), found: told(found), expected }
    }

    /// What is said of a value that is absent.
    pub(crate) fn missing(&self, field: &str, expected: &'static str) -> StacError {
        let (document, item) = (self.document.to_string(), self.item.clone());
        StacError::Missing { document, item, field: field.into(), expected }
    }
}

/// A value for a message: itself if it is short, else what it is.
pub(crate) fn told(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("\"{}\"", shown(text)),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// Objects in which a field is looked for, one after the other: a band, then its asset, then its item.
#[derive(Clone, Default)]
pub(crate) struct Layers<'a>(pub Vec<&'a Object>);

impl<'a> Layers<'a> {
    /// The first value that is not null, with its name, under the first of these names.
    pub(crate) fn get<'n>(&self, names: &[&'n str]) -> Option<(&'n str, &'a Value)> {
        names.iter().find_map(|name| {
            let value = self.0.iter().find_map(|layer| layer.get(*name).filter(|value| !value.is_null()));
            value.map(|value| (*name, value))
        })
    }
}

/// Fields that inform and decide about no pixel: what is something else becomes a remark.
pub(crate) struct Lenient<'a> {
    pub layers: Layers<'a>,
    pub remarks: Vec<String>,
}

impl<'a> Lenient<'a> {
    /// Looks for one of these names, and takes what `take` makes of the value.
    pub(crate) fn take<T>(
        &mut self,
        names: &[&str],
        expected: &str,
        take: impl Fn(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let (name, value) = self.layers.get(names)?;
        let taken = take(value);
        if taken.is_none() {
            self.remarks.push(format!("{name} is {}, expected {expected}: left out", told(value)));
        }
        taken
    }

    /// A text that is not empty.
    pub(crate) fn text(&mut self, names: &[&str]) -> Option<String> {
        self.take(names, "text", |value| value.as_str().map(str::to_owned)).filter(|text| !text.is_empty())
    }
}

/// A whole number, also as text (`"014"`).
pub(crate) fn whole(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            if digits { text.parse().ok() } else { None }
        }
        // Some writers have 255.0 for 255.
        Value::Number(number) => {
            let exact =
                number.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n));
            exact.map(|n| n as u32)
        }
        _ => None,
    }
}

/// A finite number, also as text.
pub(crate) fn finite(value: &Value) -> Option<f64> {
    number(value).filter(|number| number.is_finite())
}

/// A number, also as text, and `"nan"`, `"inf"` and `"-inf"` for what JSON has no number for.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_may_be_text() {
        assert_eq!(whole(&json!("014")), Some(14));
        assert_eq!(whole(&json!(255.0)), Some(255));
        for wrong in
            [json!(-1), json!(1.5), json!("1x"), json!(""), json!("+1"), json!(4_294_967_296_u64), json!([])]
        {
            assert_eq!(whole(&wrong), None, "{wrong}");
        }
        assert!(number(&json!("nan")).unwrap().is_nan());
        assert_eq!(number(&json!("-inf")), Some(f64::NEG_INFINITY));
        assert_eq!(number(&json!("-9999")), Some(-9999.0));
        assert_eq!(number(&json!("none")), None);
        assert_eq!(finite(&json!("inf")), None);
    }

    #[test]
    fn the_first_layer_that_has_a_field_wins_and_null_is_nothing() {
        let band = json!({"nodata": null, "scale": 2});
        let asset = json!({"nodata": 0, "scale": 3});
        let layers = Layers(vec![band.as_object().unwrap(), asset.as_object().unwrap()]);
        assert_eq!(layers.get(&["nodata"]), Some(("nodata", &json!(0))));
        assert_eq!(layers.get(&["raster:scale", "scale"]), Some(("scale", &json!(2))));
        assert_eq!(layers.get(&["offset"]), None);
    }
}
