//! The page of an OpenAPI document: plain HTML, made once, without scripts.

use std::fmt::Write as _;

use serde_json::{Map, Value};

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, h2 { font-family: ui-monospace, monospace }
h2 { font-size: 1.05rem; border-top: 1px solid #8886; padding-top: 1rem; margin-top: 2rem }
h2 b { display: inline-block; min-width: 4.5rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
td, th { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8883 }
td:first-child { white-space: nowrap }
</style>
"#;

/// A document as a page.
pub(crate) fn render(document: &Value) -> String {
    let mut page = HEAD.to_owned();
    let info = &document["info"];
    let (title, version) = (text(&info["title"]), text(&info["version"]));
    add(
        &mut page,
        format_args!(
            "<title>{title}: its HTTP interface</title></head><body>\n<h1>{title} {version}</h1><p>{}</p>",
            text(&info["description"])
        ),
    );
    page.push_str("<p>The same for programs: <a href=\"/openapi.json\">/openapi.json</a></p>");
    for (path, methods) in members(&document["paths"]) {
        for (method, operation) in members(methods) {
            add_operation(&mut page, path, method, operation);
        }
    }
    for (name, schema) in members(&document["components"]["schemas"]) {
        let name = escaped(name);
        add(&mut page, format_args!("<h2 id=\"{name}\">{name}</h2>"));
        add(
            &mut page,
            format_args!("<p>{}</p>", text(&schema["description"])),
        );
        add_fields(&mut page, schema);
    }
    page.push_str("</body></html>\n");
    page
}

fn add_operation(page: &mut String, path: &str, method: &str, operation: &Value) {
    let (method, path) = (method.to_uppercase(), escaped(path));
    add(page, format_args!("<h2><b>{method}</b> {path}</h2>"));
    for key in ["summary", "description"] {
        if operation[key].is_string() {
            add(page, format_args!("<p>{}</p>", text(&operation[key])));
        }
    }
    let mut rows = String::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = format!("{} ({})", text(&parameter["name"]), text(&parameter["in"]));
        let required = parameter["required"] == Value::Bool(true);
        let kind = kind(&parameter["schema"]);
        add_row(
            &mut rows,
            &name,
            required,
            &kind,
            &text(&parameter["description"]),
        );
    }
    for (media, content) in members(&operation["requestBody"]["content"]) {
        let name = format!("body ({})", escaped(media));
        add_row(&mut rows, &name, true, &kind(&content["schema"]), "");
    }
    if !rows.is_empty() {
        add(page, format_args!("<table>{rows}</table>"));
    }
    page.push_str("<table>");
    for (status, response) in members(&operation["responses"]) {
        let schema = members(&response["content"]).next();
        let kind = schema.map_or_else(String::new, |(_, content)| kind(&content["schema"]));
        add_row(
            page,
            &escaped(status),
            false,
            &kind,
            &text(&response["description"]),
        );
    }
    page.push_str("</table>");
}

fn add_fields(page: &mut String, schema: &Value) {
    page.push_str("<table>");
    for part in std::iter::once(schema).chain(schema["allOf"].as_array().into_iter().flatten()) {
        if part["$ref"].is_string() {
            add_row(page, "all of", false, &kind(part), "");
        }
        let required = part["required"].as_array();
        for (name, field) in members(&part["properties"]) {
            let required = required.is_some_and(|all| all.iter().any(|one| one == name));
            let description = text(&field["description"]);
            add_row(page, &escaped(name), required, &kind(field), &description);
        }
    }
    page.push_str("</table>");
}

fn add_row(page: &mut String, name: &str, required: bool, kind: &str, description: &str) {
    let mark = if required { " *" } else { "" };
    add(
        page,
        format_args!(
            "<tr><td><code>{name}</code>{mark}</td><td>{kind}</td><td>{description}</td></tr>"
        ),
    );
}

/// What a schema is, in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
    {
        let name = escaped(name);
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(all) = schema[choice].as_array() {
            return all.iter().map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(all) = schema["enum"].as_array() {
        let words: Vec<String> = all
            .iter()
            .map(|word| format!("<code>{}</code>", text(word)))
            .collect();
        return words.join(", ");
    }
    let name = match &schema["type"] {
        Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join(" or "),
        name => text(name),
    };
    match (&schema["items"], schema["format"].as_str()) {
        (Value::Null, None) => name,
        (Value::Null, Some(format)) => format!("{name} ({})", escaped(format)),
        (items, _) => format!("{name} of {}", kind(items)),
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string takes all text");
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(String::new, escaped)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_shows_every_operation_and_schema_and_no_markup_of_theirs() {
        let page = render(&json!({
            "info": {"title": "T", "version": "1", "description": "<script>"},
            "paths": {"/a/{id}": {"get": {"summary": "S", "responses":
                {"200": {"content": {"application/json": {"schema": {"$ref": "#/x/Run"}}}}}}}},
            "components": {"schemas": {"Run": {"required": ["state"], "properties":
                {"state": {"enum": ["running"]}, "days": {"type": "array", "items": {"type": "string"}}}}}},
        }));
        for part in [
            "<b>GET</b> /a/{id}",
            "&lt;script&gt;",
            "<a href=\"#Run\">Run</a>",
            "<code>state</code> *",
            "<code>running</code>",
            "array of string",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert!(!page.contains("<script"));
    }
}
