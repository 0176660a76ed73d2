SET 'parallelism.default' = '2';
SET 'pipeline.object-reuse' = 'true';
CREATE TABLE orders (
    order_id STRING,
    status STRING,
    amount DECIMAL(12, 2),
    `timestamp` TIMESTAMP_LTZ(3),
    WATERMARK FOR `timestamp` AS `timestamp`
) WITH (
    'connector' = 'kafka',
    'topic' = '{topic}',
    'properties.bootstrap.servers' = '{brokers}',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);
CREATE TABLE revenue (window_start TIMESTAMP_LTZ(3), order_count BIGINT, total_revenue DECIMAL(38, 2)) WITH (
    'connector' = 'kafka',
    'topic' = '{revenue}',
    'properties.bootstrap.servers' = '{brokers}',
    'format' = 'json'
);
INSERT INTO revenue
SELECT CAST(window_start AS TIMESTAMP_LTZ(3)), COUNT(*), SUM(amount)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(`timestamp`), INTERVAL '1' MINUTE))
WHERE status <> 'cancelled' AND amount > 0
GROUP BY window_start, window_end;
