-- explain_difference: what do the selected events have in common that the others have not?
--
-- One row per attribute value, or pair of them, that is associated with the selection (it
-- need not be its cause), the best explanation first. The score is the attributable
-- fraction (the share of the selected that would not be, if the group were like the rest)
-- times the logarithm of the lower bound of the risk ratio: neither big groups nor small
-- ones win by size alone. Only groups with min_count selected events and a lower bound
-- above 1.5 are shown; a pair only if its bound is 1.5 times that of each part.
-- Selections: reordered (of numbered first copies), duplicate (arrivals of events that
-- came more than once, of all arrivals), error (by severity), deadlock (records of
-- deadlocks), looping (of a type and entity that a chain comes back to, while it does, as
-- causal_loops has it), listed (selected_ids), all (whole windows compared: give a baseline).
-- Without a baseline the rest of the same window is compared.
-- Attributes are the columns consumer, node, stream, stream_key, event_type, epoch,
-- schema_version and producer_node (and operation where the selection is not of one kind),
-- each field that no column holds, and 'after': what changed (config, deploy, start, stop,
-- crash) at or before the event, in the lookback.
-- Observations without a readable time are in no selection.
--
-- Parameters
--   selection       VARCHAR    reordered, duplicate, error, deadlock, looping, listed or
--                              all
--   since           TIMESTAMP  first instant of the selection (default: the oldest event)
--   until           TIMESTAMP  first instant after it (default: the newest event)
--   baseline_since  TIMESTAMP  first instant of the baseline (default: as the selection)
--   baseline_until  TIMESTAMP  first instant after it (default: as the selection)
--   selected_ids    VARCHAR[]  event ids of the selection 'listed' (default: none)
--   of_consumer     VARCHAR    only of this service, else node (default: of any)
--   of_stream       VARCHAR    only of this stream (default: of any)
--   min_count       BIGINT     least selected events of a group (default: 20)
--   row_limit       BIGINT     how many rows (default: 20)
--   lookback        INTERVAL   how far before arrivals and changes are looked at
--                              (default: 1 hour)
--
-- Columns
--   attribute               VARCHAR  name of the attribute
--   value                   VARCHAR  its value
--   other_attribute         VARCHAR  of a pair the second attribute; NULL: no pair
--   other_value             VARCHAR  its value
--   selected_count          BIGINT   selected events of the group
--   group_count             BIGINT   events of the group, of selection and baseline
--   selected_ratio          DOUBLE   selected_count / group_count, 0..1
--   rest_ratio              DOUBLE   the same of all events outside the group
--   support                 DOUBLE   share of the selected that are in the group, 0..1
--   risk_ratio              DOUBLE   selected_ratio / rest_ratio; NULL: all are in it
--   risk_ratio_low          DOUBLE   lower bound of the 99 % interval
--   risk_ratio_high         DOUBLE   its upper bound
--   attributable_fraction   DOUBLE   support * (1 - 1 / risk_ratio)
--   score                   DOUBLE   attributable_fraction * ln(risk_ratio_low)
--
-- Source: Abuzaid et al. 2018, DIFF (selection and baseline, support, risk ratio,
-- minimality); Miettinen 1974 (attributable fraction); Katz et al. 1978 (interval).
-- Reads: _compared_rows, _told_changes
CREATE OR REPLACE MACRO explain_difference(
    selection,
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    baseline_since := NULL,
    baseline_until := NULL,
    selected_ids := NULL,
    of_consumer := NULL,
    of_stream := NULL,
    min_count := 20,
    row_limit := 20,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH compared AS MATERIALIZED (
    SELECT found.*
    FROM
        _compared_rows(
            selection, since, until, baseline_since, baseline_until, selected_ids,
            of_consumer, of_stream, lookback
        ) AS found
),

changes AS (
    SELECT
        records.occurred_at,
        records.subject
        || coalesce(' (' || records.service || ')', '')
        || strftime(records.occurred_at, ' at %Y-%m-%d %H:%M:%S') AS label
    FROM
        _told_changes(
            since := least(since::TIMESTAMP, baseline_since::TIMESTAMP) - lookback::INTERVAL,
            until := until
        ) AS records
    WHERE records.occurred_at IS NOT NULL
),

-- The newest changes only, for each of them is an attribute of all that comes after it.
instants AS (
    SELECT
        recent.occurred_at,
        row_number() OVER (ORDER BY recent.occurred_at) AS instant_no,
        recent.labels
    FROM (
        SELECT
            changes.occurred_at,
            list_sort(list(DISTINCT changes.label)) AS labels
        FROM changes
        GROUP BY changes.occurred_at
        ORDER BY changes.occurred_at DESC
        LIMIT 100
    ) AS recent
),

-- A field can explain only with a value that many of the selected have.
common_fields AS MATERIALIZED (
    SELECT list(counted.pair) AS pairs
    FROM (
        SELECT
            struct_pack(
                key := field.key, value := field.value ->> '$'
            ) AS pair,
            count(*) AS selected_count
        FROM compared
        CROSS JOIN json_each(compared.attributes) AS field
        WHERE
            compared.is_selected
            AND json_type(compared.attributes) = 'OBJECT'
            AND json_type(field.value) NOT IN ('OBJECT', 'ARRAY', 'NULL')
            AND (field.value ->> '$') IS DISTINCT FROM compared.operation
        GROUP BY pair
        ORDER BY selected_count DESC, pair ASC
        LIMIT 50
    ) AS counted
    WHERE counted.selected_count >= min_count::BIGINT
),

dated AS (
    SELECT
        compared.*,
        instants.instant_no,
        CASE
            WHEN selection IN ('error', 'looping', 'listed', 'all') THEN compared.operation
        END AS mixed_operation,
        CASE
            WHEN
                common_fields.pairs IS NOT NULL
                AND json_type(compared.attributes) = 'OBJECT'
                THEN
                    list_filter(
                        map_entries(
                            from_json(compared.attributes, '"MAP(VARCHAR,VARCHAR)"')
                        ),
                        LAMBDA entry: list_contains(common_fields.pairs, entry)
                    )
            ELSE []
        END AS fields
    FROM compared
    CROSS JOIN common_fields
    ASOF LEFT JOIN instants ON compared.occurred_at >= instants.occurred_at
),

-- Many rows say the same, so from here on it is counted, not repeated.
cells AS MATERIALIZED (
    SELECT
        row_number() OVER () AS cell_no,
        count(*) AS row_count,
        count(*) FILTER (WHERE dated.is_selected) AS selected_count,
        dated.consumer,
        dated.node,
        dated.stream,
        dated.stream_key,
        dated.event_type,
        dated.epoch,
        dated.schema_version,
        dated.producer_node,
        dated.mixed_operation,
        dated.fields,
        dated.instant_no
    FROM dated
    GROUP BY
        dated.consumer, dated.node, dated.stream, dated.stream_key, dated.event_type,
        dated.epoch, dated.schema_version, dated.producer_node,
        dated.mixed_operation, dated.fields, dated.instant_no
),

-- Several records may tell of one change, a field may say what a column says: UNION, once each.
facets AS (
    SELECT
        spread.cell_no,
        spread.row_count,
        spread.selected_count,
        spread.facet.key AS attribute,
        spread.facet.value
    FROM (
        SELECT
            cells.cell_no,
            cells.row_count,
            cells.selected_count,
            unnest(
                [
                    struct_pack(key := 'consumer', value := cells.consumer),
                    struct_pack(key := 'node', value := cells.node),
                    struct_pack(key := 'stream', value := cells.stream),
                    struct_pack(key := 'stream_key', value := cells.stream_key),
                    struct_pack(key := 'event_type', value := cells.event_type),
                    struct_pack(key := 'epoch', value := cells.epoch),
                    struct_pack(key := 'schema_version', value := cells.schema_version),
                    struct_pack(key := 'producer_node', value := cells.producer_node),
                    struct_pack(key := 'operation', value := cells.mixed_operation)
                ] || cells.fields
            ) AS facet
        FROM cells
    ) AS spread
    WHERE spread.facet.value IS NOT NULL
    UNION
    SELECT
        cells.cell_no,
        cells.row_count,
        cells.selected_count,
        'after' AS attribute,
        unnest(instants.labels) AS value
    FROM cells
    INNER JOIN instants ON cells.instant_no >= instants.instant_no
),

totals AS (
    SELECT
        sum(cells.row_count) AS row_count,
        sum(cells.selected_count) AS selected_count
    FROM cells
),

singles AS MATERIALIZED (
    SELECT
        facets.attribute,
        facets.value,
        row_number() OVER (ORDER BY facets.attribute, facets.value) AS facet_no,
        sum(facets.row_count) AS row_count,
        sum(facets.selected_count) AS selected_count
    FROM facets
    GROUP BY facets.attribute, facets.value
),

-- What is no riskier than the whole makes no pair: a pair has to beat both of its parts.
risky AS (
    SELECT
        facets.cell_no,
        facets.row_count,
        facets.selected_count,
        singles.attribute,
        singles.facet_no
    FROM facets
    INNER JOIN singles
        ON facets.attribute = singles.attribute AND facets.value = singles.value
    CROSS JOIN totals
    WHERE
        singles.selected_count >= min_count::BIGINT
        AND singles.selected_count * totals.row_count
        > totals.selected_count * singles.row_count
),

pairs AS (
    SELECT
        one.facet_no,
        other.facet_no AS other_no,
        sum(one.row_count) AS row_count,
        sum(one.selected_count) AS selected_count
    FROM risky AS one
    INNER JOIN risky AS other
        ON
            one.cell_no = other.cell_no
            AND one.facet_no < other.facet_no
            AND one.attribute != other.attribute
    GROUP BY one.facet_no, other.facet_no
),

groups AS (
    SELECT
        singles.facet_no,
        NULL AS other_no,
        singles.row_count,
        singles.selected_count
    FROM singles
    UNION ALL
    SELECT
        pairs.facet_no,
        pairs.other_no,
        pairs.row_count,
        pairs.selected_count
    FROM pairs
),

-- Half an event stands for none outside the group, as a ratio needs one.
measured AS (
    SELECT
        groups.facet_no,
        groups.other_no,
        groups.row_count,
        groups.selected_count,
        groups.selected_count / groups.row_count AS selected_ratio,
        (totals.selected_count - groups.selected_count)
        / (totals.row_count - groups.row_count) AS rest_ratio,
        groups.selected_count / totals.selected_count AS support,
        ln(selected_ratio)
        - ln(
            greatest(totals.selected_count - groups.selected_count, 0.5)
            / (totals.row_count - groups.row_count)
        ) AS log_ratio,
        sqrt(
            1 / groups.selected_count - 1 / groups.row_count
            + 1 / greatest(totals.selected_count - groups.selected_count, 0.5)
            - 1 / (totals.row_count - groups.row_count)
        ) AS standard_error
    FROM groups
    CROSS JOIN totals
    WHERE
        groups.row_count < totals.row_count
        AND groups.selected_count >= min_count::BIGINT
),

bounded AS (
    SELECT
        measured.*,
        exp(measured.log_ratio - 2.58 * measured.standard_error) AS ratio_low,
        exp(measured.log_ratio + 2.58 * measured.standard_error) AS ratio_high,
        measured.support * (1 - measured.rest_ratio / measured.selected_ratio)
            AS attributable
    FROM measured
),

parts AS (
    SELECT
        bounded.facet_no,
        bounded.ratio_low
    FROM bounded
    WHERE bounded.other_no IS NULL
)

SELECT
    singles.attribute,
    singles.value,
    others.attribute AS other_attribute,
    others.value AS other_value,
    bounded.selected_count::BIGINT AS selected_count,
    bounded.row_count::BIGINT AS group_count,
    bounded.selected_ratio,
    bounded.rest_ratio,
    bounded.support,
    bounded.selected_ratio / nullif(bounded.rest_ratio, 0) AS risk_ratio,
    bounded.ratio_low AS risk_ratio_low,
    bounded.ratio_high AS risk_ratio_high,
    bounded.attributable AS attributable_fraction,
    bounded.attributable * ln(bounded.ratio_low) AS score
FROM bounded
INNER JOIN singles ON bounded.facet_no = singles.facet_no
LEFT OUTER JOIN singles AS others ON bounded.other_no = others.facet_no
LEFT OUTER JOIN parts AS first_part
    ON bounded.other_no IS NOT NULL AND bounded.facet_no = first_part.facet_no
LEFT OUTER JOIN parts AS second_part ON bounded.other_no = second_part.facet_no
WHERE
    bounded.ratio_low > 1.5
    AND bounded.ratio_low
    >= 1.5 * greatest(first_part.ratio_low, second_part.ratio_low, 0)
ORDER BY
    score DESC,
    bounded.selected_count DESC,
    singles.attribute ASC,
    singles.value ASC,
    others.attribute ASC,
    others.value ASC
LIMIT (row_limit::BIGINT);
