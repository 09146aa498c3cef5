// Made by dev/web/types.js from the OpenAPI document of `eip ingest`; not written by hand.

export type AllRules = {
  "rules": Array<RulesAnswer>;
};

export type AsOfRow = Record<string, unknown> & {
  "field": string;
  "order_id": string;
  "time": number;
  "times": number;
  "usual": number;
};

export type Change = {
  "paused"?: boolean | null;
  "scale_factor"?: number | null;
};

export type CheckAnswer = {
  "dataset": string;
  "dataset_toml"?: string | null;
  "error"?: string | null;
  "orders"?: number | null;
  "report": Record<string, unknown>;
  "rows_rejected"?: number | null;
  "stops": Array<string>;
  "text": string;
};

export type CheckBody = {
  "as_of"?: string | null;
  "max_rejected"?: null | LimitValue;
  "rules"?: string | null;
};

export type Compared = {
  "after": Figures;
  "before": Figures;
  "rows": number;
};

export type CoverageByDays = {
  "coverage": Array<CoveredDays>;
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

export type DatasetAnswer = {
  "complete": boolean;
  "files": Array<FileAnswer>;
  "name": string;
};

export type Datasets = {
  "datasets": Array<DatasetAnswer>;
};

export type DayDeltas = {
  "by_type": Record<string, Deltas>;
  "day": string;
};

export type Deltas = {
  "added": number;
  "changed": number;
  "retracted": number;
  "same": number;
};

export type DurationValue = number | string;

export type Emit = "all" | "changed";

export type FactText = {
  "customerRegion": string;
  "estimatedDeliveryAt"?: string | null;
  "eventAt": string;
  "sellerRegion": string;
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
  "lead_seconds_sum": number;
  "placed": number;
};

export type FileAnswer = {
  "bytes"?: number | null;
  "name": string;
  "packed": boolean;
  "sha256"?: string | null;
};

export type GuardFigures = {
  "covered": number;
  "facts": number;
  "lost_regions"?: number;
  "retracted": number;
  "vanishing": number;
};

export type GuardStop = {
  "figures": GuardFigures;
  "kind": string;
  "lost_regions"?: boolean;
  "retracted": boolean;
  "samples"?: Array<Array<string>>;
  "vanishing": boolean;
};

export type InputStop = {
  "rows": number;
  "sample"?: Record<string, unknown> | null;
  "stop": "no_orders";
} | {
  "rejected": number;
  "rows": number;
  "samples": Array<Record<string, unknown>>;
  "stop": "rejected";
  "table": string;
} | {
  "now"?: number | null;
  "row": AsOfRow;
  "stop": "as_of";
};

export type LeftFact = {
  "changedBy": string;
  "eventType": string;
  "orderId": string;
};

export type LeftOrders = {
  "by_reason": Record<string, number>;
  "orders": number;
};

export type LimitValue = number | string;

export type Listed_DayCompared = {
  "left_out": number;
  "listed": Array<Compared & {
    "day": string;
  }>;
  "others": Compared;
};

export type Listed_RegionCompared = {
  "left_out": number;
  "listed": Array<Compared & {
    "region": string;
  }>;
  "others": Compared;
};

export type Listed_RouteCompared = {
  "left_out": number;
  "listed": Array<Compared & {
    "customer_region": string;
    "seller_region": string;
  }>;
  "others": Compared;
};

export type Listed_RowChange = {
  "left_out": number;
  "listed": Array<{
    "after"?: null | RowFigures;
    "before"?: null | RowFigures;
    "customer_region": string;
    "day": string;
    "seller_region": string;
  }>;
  "others": Compared;
};

export type Mode = "fast" | "window" | "scaled" | "revert";

export type Named = {
  "count": number;
  "names": Array<string>;
};

export type Pace = PaceFigures & {
  "paused": boolean;
  "rate_per_second": number;
  "scale_factor": number;
  "seconds_left": number;
  "simulated_at": string;
};

export type PaceFigures = {
  "latency_uncorrected_us": Quantiles;
  "latency_us": Quantiles;
  "lateness_us": Quantiles;
  "span_intended_us": number;
  "span_us": number;
};

export type Phase = "reading" | "comparing" | "writing" | "committing";

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

export type Progress = {
  "event_time"?: string | null;
  "phase": Phase;
  "records": number;
  "rejects": number;
  "total"?: number | null;
};

export type Quantiles = {
  "max": number;
  "p50": number;
  "p90": number;
  "p99": number;
  "p999": number;
};

export type Rehearsal = {
  "by_day": Array<DayDeltas>;
  "by_type": Record<string, Deltas>;
  "events": number;
  "facts": Deltas;
  "facts_after": string;
  "facts_before": string;
  "figures": GuardFigures;
  "guard"?: null | GuardStop;
  "input_stop"?: null | InputStop;
  "left_count": number;
  "left_facts": Array<LeftFact>;
  "losing_facts": Named;
  "losing_items": Named;
  "losing_regions": Named;
  "orders_covered": number;
  "pushed_orders": Named;
  "rejected_orders": Named;
  "rejected_unnamed": Named;
  "route_figures": RouteComparison;
  "route_stats_daily": RouteChange;
  "samples": Array<Sample>;
  "swallowed_items": Named;
  "swallowed_orders": Named;
  "token": string;
  "tombstones": number;
  "vanishing": Named;
};

export type RejectedPlace = {
  "file": string;
  "line": number;
};

export type RejectedRow = {
  "because_of"?: null | RejectedPlace;
  "field": string;
  "file": string;
  "last_line"?: number | null;
  "line": number;
  "order_id"?: string | null;
  "reason": string;
  "value"?: string | null;
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

export type RejectsPage = {
  "converted_by"?: string | null;
  "kept": number;
  "next"?: number | null;
  "rejected": number;
  "rejects": Array<RejectedRow>;
  "run": string;
};

export type RouteChange = {
  "added": number;
  "changed": number;
  "removed": number;
};

export type RouteComparison = {
  "all": Compared;
  "by_customer": Listed_RegionCompared;
  "by_day": Listed_DayCompared;
  "by_route": Listed_RouteCompared;
  "by_seller": Listed_RegionCompared;
  "first_day"?: string | null;
  "last_day"?: string | null;
  "rows": Listed_RowChange;
};

export type RowFigures = Figures & {
  "lead_seconds_p50"?: number | null;
  "lead_seconds_p90"?: number | null;
  "lead_seconds_p99"?: number | null;
};

export type RulesAnswer = {
  "assignment_delay_seconds": number;
  "name": string;
  "promise": string;
  "sha256": string;
};

export type RunAnswer = RunView & {
  "made_space"?: boolean;
  "progress"?: null | Progress;
  "space": string;
};

export type RunBody = {
  "amplify"?: number | null;
  "as_of"?: string | null;
  "dataset"?: string | null;
  "dry_run"?: boolean | null;
  "duration"?: null | DurationValue;
  "emit"?: null | Emit;
  "end"?: string | null;
  "force"?: boolean | null;
  "max_events_per_second"?: number | null;
  "max_gap"?: number | null;
  "max_lost_regions"?: null | LimitValue;
  "max_rejected"?: null | LimitValue;
  "max_retracted"?: null | LimitValue;
  "max_vanishing"?: null | LimitValue;
  "mix"?: boolean | null;
  "mode": Mode;
  "plan"?: string | null;
  "reason"?: string | null;
  "record_times"?: boolean | null;
  "rules"?: string | null;
  "run"?: string | null;
  "scale_factor"?: number | null;
  "seed"?: number | null;
  "space"?: string | null;
  "start"?: string | null;
  "trust_damaged_files"?: boolean | null;
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

export type Runs = {
  "runs": Array<RunAnswer>;
};

export type Sample = {
  "after"?: null | FactText;
  "before"?: null | FactText;
  "eventType": string;
  "orderId": string;
};
