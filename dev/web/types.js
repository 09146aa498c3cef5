// Makes dev/web/api.d.ts and dev/web/ingest.d.ts, the types of the API's and Ingest's answers, out of their OpenAPI
// documents:
//   curl -s http://127.0.0.1:8081/openapi.json | node types.js api
//   curl -s http://127.0.0.1:8080/openapi.json | node types.js ingest
// With `-` behind it the text is printed. A test compares what is stored with the documents of the binary under test.

import { readFileSync, writeFileSync } from 'node:fs';

/** @typedef {Record<string, any>} Schema */

/** @param {string} name */
const safe = (name) => name.replace(/\W/g, '_');

/** @param {Schema} schema @param {string} indent @returns {string} */
function typeOf(schema, indent = '') {
  if (schema.$ref) return safe(schema.$ref.split('/').pop());
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((/** @type {unknown} */ one) => JSON.stringify(one)).join(' | ');
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map((/** @type {Schema} */ one) => typeOf(one, indent)).join(' | ');
  if (schema.allOf) return schema.allOf.map((/** @type {Schema} */ one) => typeOf(one, indent)).join(' & ');
  if (Array.isArray(schema.type)) return schema.type.map((/** @type {string} */ type) => typeOf({ ...schema, type }, indent)).join(' | ');
  switch (schema.type) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'null':
      return 'null';
    case 'array':
      return `Array<${schema.items ? typeOf(schema.items, indent) : 'unknown'}>`;
    case 'object':
      return objectOf(schema, indent);
    default:
      return 'unknown';
  }
}

/** @param {Schema} schema @param {string} indent */
function objectOf(schema, indent) {
  const required = new Set(schema.required ?? []);
  const members = Object.entries(schema.properties ?? {});
  if (members.length === 0) return schema.additionalProperties ? `Record<string, ${typeOf(schema.additionalProperties, indent)}>` : 'Record<string, unknown>';
  const inner = `${indent}  `;
  const lines = members.map(([name, one]) => `${inner}${JSON.stringify(name)}${required.has(name) ? '' : '?'}: ${typeOf(one, inner)};`);
  return `{\n${lines.join('\n')}\n${indent}}`;
}

const [service, where] = process.argv.slice(2);
if (!['api', 'ingest'].includes(service)) throw new Error('usage: node types.js api|ingest [-] <openapi.json');
const document = JSON.parse(readFileSync(0, 'utf8'));
const types = Object.entries(document.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, schema]) => `export type ${safe(name)} = ${typeOf(schema)};`);
const text = `// Made by dev/web/types.js from the OpenAPI document of \`eip ${service}\`; not written by hand.\n\n${types.join('\n\n')}\n`;
if (where === '-') process.stdout.write(text);
else writeFileSync(new URL(`${service}.d.ts`, import.meta.url), text);
