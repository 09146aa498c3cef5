//! The API's own document, which every answer of these tests is compared with.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{Answer, send_alone};

/// `/openapi.json`.
pub(crate) struct Document {
    pub(crate) json: Value,
    /// By the place of their schema in the document.
    validators: Mutex<HashMap<String, Validator>>,
}

/// One method of one path.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) path: String,
    pub(crate) method: Method,
    pub(crate) json: Value,
}

impl Document {
    /// All APIs have the same.
    pub(crate) async fn of(router: &Router) -> &'static Self {
        static DOCUMENT: OnceCell<Document> = OnceCell::const_new();
        let read = async {
            let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
            let answer = send_alone(router.clone(), request).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            Document {
                json: answer.json(),
                validators: Mutex::default(),
            }
        };
        DOCUMENT.get_or_init(|| read).await
    }

    /// All that can be asked.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, methods) in self.json["paths"].as_object().unwrap() {
            for (method, json) in methods.as_object().unwrap() {
                operations.push(Operation {
                    path: path.clone(),
                    method: method.to_uppercase().parse().unwrap(),
                    json: json.clone(),
                });
            }
        }
        operations
    }

    /// The operation that a request is for.
    fn operation(&self, method: &Method, path: &str) -> Option<Operation> {
        let asked: Vec<&str> = path.split('/').collect();
        // `/a/b` goes before `/a/{name}`.
        let mut fitting: Vec<Operation> = self.operations();
        fitting.retain(|known| {
            let parts: Vec<&str> = known.path.split('/').collect();
            let fits = |(part, asked): (&&str, &&str)| part.starts_with('{') || part == asked;
            parts.len() == asked.len() && parts.iter().zip(&asked).all(fits)
        });
        fitting.sort_by_key(|known| known.path.matches('{').count());
        let best = fitting.first()?.path.clone();
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        fitting
            .into_iter()
            .find(|known| known.path == best && known.method == *method)
    }

    /// Fails unless the document allows this answer.
    pub(crate) fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let what = format!("{method} {path}: {}", answer.status);
        let media_type = answer.content_type.split(';').next().unwrap_or_default();
        let Some(operation) = self.operation(method, path) else {
            // The dashboard's pages and files are for a browser, not of the document.
            if !path.starts_with("/v1/") && !answer.status.is_client_error() {
                return;
            }
            if *method == Method::HEAD {
                assert_eq!(answer.text, "", "{what}");
                return;
            }
            assert!(answer.status.is_client_error(), "{what} is not documented");
            assert_eq!(media_type, "application/problem+json", "{what}");
            return self.check_body("#/components/schemas/Problem", answer, &what);
        };
        let responses = operation.json["responses"].as_object().unwrap();
        if responses.contains_key("default") {
            // Ingest's own document says more.
            return;
        }
        let response = responses.get(answer.status.as_str());
        let response = response.unwrap_or_else(|| panic!("{what} is not documented"));
        if *method == Method::HEAD || answer.status == StatusCode::NOT_MODIFIED {
            assert_eq!(answer.text, "", "{what}");
            return;
        }
        if response.get("content").is_none() {
            assert_eq!(answer.text, "", "{what}");
            return;
        }
        let Some(content) = response["content"].get(media_type) else {
            panic!("{what} as {media_type} is not documented");
        };
        if media_type == "application/json" || media_type.ends_with("+json") {
            let schema = content["schema"]["$ref"].as_str();
            let schema = schema.unwrap_or_else(|| panic!("{what} has no named schema"));
            self.check_body(schema, answer, &what);
        }
    }

    fn check_body(&self, schema: &str, answer: &Answer, what: &str) {
        let body = answer.json();
        let mut validators = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let validator = validators.entry(schema.to_owned()).or_insert_with(|| {
            let whole = json!({ "$ref": schema, "components": self.json["components"] });
            jsonschema::validator_for(&whole).unwrap()
        });
        let errors: Vec<String> = validator
            .iter_errors(&body)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{what}: {errors:?}\n{body}");
        drop(validators);
        self.check_members(&json!({ "$ref": schema }), &body, what);
    }

    /// Fails where an object has members that its schema does not name.
    fn check_members(&self, schema: &Value, value: &Value, what: &str) {
        match value {
            Value::Object(members) => {
                let mut alternatives = Vec::new();
                self.properties(schema, &mut alternatives);
                let of_any_name = &self.resolved(schema)["additionalProperties"];
                for (name, value) in members {
                    let mut named: Vec<&Value> = alternatives
                        .iter()
                        .filter_map(|properties| properties.get(name))
                        .collect();
                    named.extend(of_any_name.is_object().then_some(of_any_name));
                    assert!(
                        !named.is_empty(),
                        "{what}: {name} is not documented in {schema}"
                    );
                    self.check_members(named[0], value, what);
                }
            }
            Value::Array(values) => {
                let items = self.resolved(schema)["items"].clone();
                for value in values {
                    self.check_members(&items, value, what);
                }
            }
            _ => {}
        }
    }

    /// The properties of a schema and of those that it is made of.
    fn properties<'s>(&'s self, schema: &'s Value, found: &mut Vec<&'s Value>) {
        let schema = self.resolved(schema);
        found.push(&schema["properties"]);
        for parts in ["allOf", "oneOf", "anyOf"] {
            for part in schema[parts].as_array().into_iter().flatten() {
                self.properties(part, found);
            }
        }
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str() {
            Some(path) => self.json.pointer(&path[1..]).unwrap(),
            None => schema,
        }
    }
}

impl Operation {
    /// The names and schemas of its parameters in a place: `path`, `query`, `header`.
    pub(crate) fn parameters(&self, place: &str) -> Vec<(String, Value)> {
        let all = self.json["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == place)
            .map(|parameter| {
                let name = parameter["name"].as_str().unwrap().to_owned();
                (name, parameter["schema"].clone())
            })
            .collect()
    }

    /// Its statuses.
    pub(crate) fn statuses(&self) -> BTreeSet<String> {
        self.json["responses"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    }
}
