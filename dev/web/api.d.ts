// Made by dev/web/types.js from the OpenAPI document of `eip api`; not written by hand.

export type Answer_ChangesPage = {
  "changed_since_tick": number;
  "changes": Array<Changed>;
  "next"?: string | null;
  "upto_tick": number;
} & {
  "as_of": AsOf;
};

export type Answer_LookupResults = {
  "results": Array<LookupResult>;
} & {
  "as_of": AsOf;
};

export type Answer_Matrix = {
  "cells": Array<MatrixCell>;
  "customers": Array<string>;
  "sellers": Array<string>;
} & {
  "as_of": AsOf;
};

export type Answer_Overview = {
  "at_risk": number;
  "at_risk_hours": number;
  "by_status": Array<StatusCount>;
  "delayed": number;
  "quiet": number;
  "quiet_days": number;
  "range": RangeFigures;
  "range_before": RangeFigures;
  "shipments": number;
  "stalled": number;
  "stalled_days": number;
  "trend"?: Array<TrendPoint> | null;
} & {
  "as_of": AsOf;
};

export type Answer_Page = {
  "facets"?: null | Facets;
  "moved": boolean;
  "next"?: string | null;
  "shipments": Array<Shipment>;
  "total": Counted;
} & {
  "as_of": AsOf;
};

export type Answer_RouteOverTime = {
  "customer_region": string;
  "seller_region": string;
  "series": Array<SeriesStep>;
  "step": string;
} & {
  "as_of": AsOf;
};

export type Answer_ShipmentWithEvents = {
  "events": Array<ShipmentEvent>;
  "one_tick": boolean;
  "shipment": Shipment;
} & {
  "as_of": AsOf;
};

export type Answer_Stats = {
  "end"?: string | null;
  "rows": Array<StatsRow>;
  "start"?: string | null;
  "summary": Figures;
  "truncated": boolean;
} & {
  "as_of": AsOf;
};

export type Answer_Why = {
  "agrees": boolean;
  "events": Array<TypeSource>;
  "fields": Array<FieldSource>;
  "lost": Array<string>;
  "order_id": string;
  "partition": number;
  "read": Read;
  "records": Array<Record>;
  "runs": Array<RunBehind>;
  "shipment"?: null | Shipment;
  "words": Array<string>;
} & {
  "as_of": AsOf;
};

export type Answer_Worst = {
  "left_out": number;
  "min_delivered": number;
  "routes": Array<WorstRoute>;
} & {
  "as_of": AsOf;
};

export type AsOf = {
  "data_now"?: string | null;
  "data_now_from"?: null | DataNowFrom;
  "search_tick"?: number | null;
  "stats_tick"?: number | null;
  "wall"?: string | null;
};

export type Became = "stands" | "repeated" | "superseded" | "retracted" | "tombstone" | "not_read";

export type Blocked = {
  "what": string;
  "words": string;
};

export type Changed = {
  "deleted": boolean;
  "matches"?: boolean | null;
  "order_id": string;
  "shipment"?: null | Shipment;
  "tick": number;
};

export type Counted = {
  "relation": string;
  "value": number;
};

export type CoverageByDays = {
  "coverage": Array<CoveredDays>;
  "ledger": LedgerMoment;
};

export type CoveredDays = {
  "committed_at_ms": number;
  "data_sha256"?: string | null;
  "dataset"?: string | null;
  "end"?: string | null;
  "files": Record<string, string>;
  "kind": string;
  "orders_left": LeftOrders;
  "rejects": Rejects;
  "rules"?: string | null;
  "rules_sha256"?: string | null;
  "run": string;
  "start"?: string | null;
};

export type DataNowFrom = "replay" | "views";

export type DataflowState = {
  "blocked"?: Array<Blocked>;
  "state": string;
};

export type DeadLetter = {
  "code": string;
  "offset": number;
  "partition": number;
  "reason": string;
};

export type DeadLetters = {
  "by_code": Record<string, number>;
  "count": number;
  "latest": Array<DeadLetter>;
};

export type DiffAnswer = Sides & {
  "as_of": AsOf;
  "left_out": number;
  "rows": Array<RowDiff>;
};

export type DigestOf = {
  "rows": number;
  "sha256": string;
};

export type EventType = "ORDER_PLACED" | "ORDER_APPROVED" | "WAREHOUSE_ASSIGNED" | "HANDED_TO_CARRIER" | "DELIVERY_DELAYED" | "DELIVERED";

export type Facet = {
  "count": number;
  "value": string;
};

export type Facets = {
  "customer_region": Array<Facet>;
  "delayed": Array<Facet>;
  "route": Array<Facet>;
  "seller_region": Array<Facet>;
  "status": Array<Facet>;
};

export type FieldSource = {
  "agrees": boolean;
  "before": Array<number>;
  "field": string;
  "records": Array<number>;
  "rule": string;
  "types": Array<EventType>;
  "value": Value;
};

export type Figures = {
  "approved": number;
  "assigned": number;
  "delayed": number;
  "delivered": number;
  "delivered_late": number;
  "handed": number;
  "late_seconds_sum": number;
  "lead_count": number;
  "lead_seconds_average": number | null;
  "lead_seconds_p50": number | null;
  "lead_seconds_p90": number | null;
  "lead_seconds_p99": number | null;
  "lead_seconds_sum": number;
  "on_time_basis_points": number | null;
  "placed": number;
  "rows": number;
};

export type Identity = {
  "name"?: string | null;
  "role": string;
  "session"?: null | Session;
};

export type Lag = {
  "partitions": Array<PartitionLag>;
  "records": number;
  "seconds"?: number | null;
  "seconds_to_drain"?: number | null;
  "trend"?: null | Trend;
};

export type LedgerMoment = {
  "entries": number;
  "wall"?: string | null;
};

export type LeftOrders = {
  "by_reason": Record<string, number>;
  "orders": number;
};

export type Listed = Answer_Page | Answer_ChangesPage;

export type LookupBody = {
  "ids": Array<string>;
  "min_tick"?: number | null;
};

export type LookupResult = {
  "asked": string;
  "candidates"?: Array<string> | null;
  "outcome": Outcome;
  "reason"?: string | null;
  "shipment"?: null | Shipment;
};

export type LookupResults = {
  "results": Array<LookupResult>;
};

export type Matrix = {
  "cells": Array<MatrixCell>;
  "customers": Array<string>;
  "sellers": Array<string>;
};

export type MatrixCell = Rates & {
  "customer_region": string;
  "delivered": number;
  "delivered_late": number;
  "late_basis_points"?: number | null;
  "lead_seconds_p50"?: number | null;
  "placed": number;
  "seller_region": string;
};

export type NotYet = {
  "as_of": AsOf;
  "seconds": number;
  "state": string;
};

export type Outcome = "found" | "not_found" | "ambiguous" | "invalid";

export type Overview = {
  "at_risk": number;
  "at_risk_hours": number;
  "by_status": Array<StatusCount>;
  "delayed": number;
  "quiet": number;
  "quiet_days": number;
  "range": RangeFigures;
  "range_before": RangeFigures;
  "shipments": number;
  "stalled": number;
  "stalled_days": number;
  "trend"?: Array<TrendPoint> | null;
};

export type PartitionLag = {
  "end": number;
  "partition": number;
  "records": number;
  "seconds"?: number | null;
  "written": number;
};

export type PipelineAnswer = {
  "as_of": AsOf;
  "dataflow"?: null | DataflowState;
  "dead_letters"?: null | DeadLetters;
  "lag"?: null | Lag;
  "refused_documents"?: null | RefusedDocuments;
  "sinks": Array<Sink>;
  "ticks"?: null | Ticks;
  "unknown": Array<Unknown>;
};

export type Problem = {
  "code": string;
  "detail": string;
  "field"?: string | null;
  "instance"?: string | null;
  "requestId"?: string | null;
  "reset"?: boolean;
  "retry_after"?: number | null;
  "run"?: string | null;
  "status": number;
  "store"?: string | null;
  "title": string;
  "type": string;
};

export type RangeFigures = {
  "delivered": number;
  "delivered_late": number;
  "end": string;
  "on_time_basis_points"?: number | null;
  "placed": number;
  "start": string;
};

export type Rates = {
  "lead_seconds_average"?: number | null;
  "on_time_basis_points"?: number | null;
};

export type Read = {
  "cache": number;
  "end": number;
  "log": number;
  "views"?: number | null;
};

export type Ready = {
  "progress": Written;
  "status": string;
};

export type Record = {
  "appended_at"?: string | null;
  "became": Became;
  "by"?: number | null;
  "customer_region"?: string | null;
  "estimated_delivery_at"?: string | null;
  "event_at"?: string | null;
  "event_id"?: string | null;
  "event_type"?: null | EventType;
  "offset": number;
  "run"?: string | null;
  "seller_region"?: string | null;
};

export type RefusedDocument = {
  "id": string;
  "reason": string;
  "view": string;
};

export type RefusedDocuments = {
  "count": number;
  "latest": Array<RefusedDocument>;
};

export type RejectedRows = {
  "file": string;
  "reason": string;
  "rows": number;
};

export type Rejects = {
  "by_reason": Array<RejectedRows>;
  "rows"?: number | null;
};

export type RetryAnswer = {
  "refused_again"?: number | null;
  "sent_again": number;
};

export type RetryBody = {
  "ids"?: Array<string>;
  "view"?: string | null;
};

export type RouteOverTime = {
  "customer_region": string;
  "seller_region": string;
  "series": Array<SeriesStep>;
  "step": string;
};

export type RowDiff = RowKey & {
  "a"?: Record<string, unknown> | null;
  "b"?: Record<string, unknown> | null;
};

export type RowKey = {
  "customer_region": string;
  "seller_region": string;
  "stat_date": string;
};

export type RunAnswer = RunView & {
  "progress"?: Record<string, unknown> | null;
  "space": string;
};

export type RunBehind = null | Said & {
  "known": boolean;
  "run": string;
};

export type RunList = {
  "ledger": LedgerMoment;
  "runs": Array<RunAnswer>;
};

export type RunShown = RunAnswer & {
  "ledger": LedgerMoment;
};

export type RunView = {
  "as_of"?: string | null;
  "at_ms": number;
  "attempt": number;
  "cached_run"?: string | null;
  "counts": Record<string, number>;
  "dataset"?: string | null;
  "dry_run": boolean;
  "emit"?: string | null;
  "end"?: string | null;
  "end_offsets"?: Array<number> | null;
  "error"?: string | null;
  "files": Record<string, string>;
  "first_offsets"?: Array<number> | null;
  "force": boolean;
  "guard": Record<string, number>;
  "input"?: Record<string, unknown> | null;
  "kind": string;
  "limits": Record<string, string>;
  "mix": boolean;
  "origin"?: string | null;
  "owner_url"?: string | null;
  "pace": Record<string, string>;
  "plan"?: string | null;
  "reason"?: string | null;
  "requested_at_ms": number;
  "requester"?: string | null;
  "rules"?: string | null;
  "rules_sha256"?: string | null;
  "run": string;
  "scale_factor"?: string | null;
  "start"?: string | null;
  "state": string;
  "target_run"?: string | null;
};

export type Said = {
  "as_of"?: string | null;
  "cached_run"?: string | null;
  "dataset"?: string | null;
  "files"?: Record<string, string>;
  "kind"?: string;
  "origin"?: string | null;
  "reader"?: number | null;
  "reason"?: string | null;
  "requested_at"?: string | null;
  "requester"?: string | null;
  "rules"?: string | null;
  "rules_sha256"?: string | null;
  "state"?: string;
  "target_run"?: string | null;
};

export type SeriesStep = Figures & {
  "from"?: string | null;
};

export type Session = {
  "csrf": string;
  "ends_in": number;
};

export type Shipment = {
  "approvedAt": string | null;
  "customerRegion": string;
  "delayed": boolean;
  "delayedAt": string | null;
  "deliveredAt": string | null;
  "estimatedDeliveryAt": string | null;
  "eventCount": number;
  "handedToCarrierAt": string | null;
  "lateSeconds": number | null;
  "leadTimeSeconds": number | null;
  "orderId": string;
  "placedAt": string | null;
  "sellerRegion": string;
  "status": "ORDER_PLACED" | "ORDER_APPROVED" | "WAREHOUSE_ASSIGNED" | "HANDED_TO_CARRIER" | "DELIVERY_DELAYED" | "DELIVERED";
  "warehouseAssignedAt": string | null;
};

export type ShipmentEvent = {
  "customerRegion": string;
  "eventAt": string;
  "eventId": string;
  "eventType": "ORDER_PLACED" | "ORDER_APPROVED" | "WAREHOUSE_ASSIGNED" | "HANDED_TO_CARRIER" | "DELIVERY_DELAYED" | "DELIVERED";
  "orderId": string;
  "payload": {
    "estimatedDeliveryAt": string | null;
  };
  "sellerRegion": string;
  "source": string;
};

export type ShipmentWithEvents = {
  "events": Array<ShipmentEvent>;
  "one_tick": boolean;
  "shipment": Shipment;
};

export type Side = {
  "epoch": number;
  "space": string;
  "stats_tick": number;
  "topic_id": string;
  "visible_tick"?: number | null;
};

export type Sides = {
  "a": Side;
  "b": Side;
  "equal": boolean;
  "views": Array<ViewDiff>;
};

export type Sink = {
  "state": SinkState;
  "store": string;
  "tick": number;
  "views": Array<string>;
  "words"?: string | null;
};

export type SinkState = "ok" | "blocked" | "away";

export type SpaceAnswer = {
  "has_log"?: boolean | null;
  "is_this": boolean;
  "space": string;
  "views"?: null | ViewsAnswer;
  "why"?: string | null;
};

export type SpacesAnswer = {
  "as_of": AsOf;
  "left_out": number;
  "spaces": Array<SpaceAnswer>;
};

export type Stats = {
  "end"?: string | null;
  "rows": Array<StatsRow>;
  "start"?: string | null;
  "summary": Figures;
  "truncated": boolean;
};

export type StatsRow = Figures & {
  "customer_region"?: string | null;
  "seller_region"?: string | null;
  "stat_date"?: string | null;
};

export type StatusCount = {
  "count": number;
  "status": string;
};

export type Ticks = {
  "epoch": number;
  "stats_tick": number;
  "visible_tick": number;
};

export type Trend = {
  "appended_per_second": number;
  "over_seconds": number;
  "records": number;
  "written_per_second": number;
};

export type TrendPoint = {
  "at": string;
  "at_risk": number;
  "quiet": number;
  "stalled": number;
};

export type TypeSource = {
  "before": Array<number>;
  "event"?: null | ShipmentEvent;
  "event_type": EventType;
  "record"?: number | null;
  "since"?: number | null;
};

export type Unknown = {
  "what": string;
  "why": string;
};

export type Value = unknown;

export type ViewDiff = {
  "a": DigestOf;
  "b": DigestOf;
  "equal": boolean;
  "view": string;
};

export type ViewsAnswer = {
  "counts": Record<string, number>;
  "dead_letters": number;
  "epoch": number;
  "format": number;
  "stats_tick": number;
  "topic_id": string;
  "visible_tick"?: number | null;
};

export type Why = {
  "agrees": boolean;
  "events": Array<TypeSource>;
  "fields": Array<FieldSource>;
  "lost": Array<string>;
  "order_id": string;
  "partition": number;
  "read": Read;
  "records": Array<Record>;
  "runs": Array<RunBehind>;
  "shipment"?: null | Shipment;
  "words": Array<string>;
};

export type Worst = {
  "left_out": number;
  "min_delivered": number;
  "routes": Array<WorstRoute>;
};

export type WorstRoute = Figures & {
  "customer_region": string;
  "late_basis_points": number;
  "late_basis_points_high": number;
  "late_basis_points_low": number;
  "seller_region": string;
};

export type Written = {
  "epoch": number;
  "offsets": Array<number>;
  "tick": number;
  "topicId": string;
  "visibleTick": number;
};
