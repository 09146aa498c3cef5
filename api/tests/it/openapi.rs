//! `/openapi.json`: complete, and true. That every answer is as it says is checked by
//! [`crate::support::send`], for all answers of all tests.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::{Method, Request};

use crate::support::{Api, Document};

#[tokio::test]
async fn the_document_is_of_openapi_3_1_and_every_reference_leads_somewhere() {
    let api = Api::embedded();
    let document = Document::of(&api.router()).await;
    assert!(
        document.json["openapi"]
            .as_str()
            .unwrap()
            .starts_with("3.1")
    );
    let text = document.json.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let (pointer, _) = reference.split_once('"').unwrap();
        assert!(document.json.pointer(pointer).is_some(), "{pointer}");
    }
    let mut ids = BTreeSet::new();
    for operation in document.operations() {
        let what = format!("{} {}", operation.method, operation.path);
        let summary = operation.json["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty(), "{what} has no summary");
        if let Some(id) = operation.json["operationId"].as_str() {
            assert!(ids.insert(id.to_owned()), "{what}: another one is {id}");
        }
        let statuses = operation.statuses();
        let is_known = |status: &String| status.starts_with('2') || status == "default";
        let known = statuses.iter().any(is_known);
        assert!(known, "{what}: {statuses:?}");
        for parameter in operation.json["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let described = parameter["description"].is_string() || statuses.contains("default");
            assert!(described, "{what}: {parameter}");
        }
    }
}

#[tokio::test]
async fn the_methods_of_every_path_are_the_documented_ones() {
    let api = Api::embedded();
    let document = Document::of(&api.router()).await;
    let mut documented: BTreeMap<String, BTreeSet<Method>> = BTreeMap::new();
    for operation in document.operations() {
        let methods = documented.entry(operation.path).or_default();
        if operation.method == Method::GET {
            methods.insert(Method::HEAD);
        }
        methods.insert(operation.method);
    }
    for (path, methods) in documented {
        let path = path.replace(['{', '}'], "a");
        let request = Request::trace(&path).body(Body::empty()).unwrap();
        let answer = api.send(request).await;
        assert_eq!(answer.status, 405, "{path}");
        let allowed = answer.header("allow").split(',');
        let allowed: BTreeSet<Method> = allowed.map(|name| name.trim().parse().unwrap()).collect();
        assert_eq!(allowed, methods, "{path}");
    }
}
