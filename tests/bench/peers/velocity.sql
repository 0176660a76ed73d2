SET 'parallelism.default' = '2';
SET 'pipeline.object-reuse' = 'true';
CREATE TABLE transactions (
    transaction_id STRING,
    customer_id STRING,
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
CREATE TABLE alerts (transaction_id STRING, customer_id STRING, amount DECIMAL(12, 2), transactions BIGINT) WITH (
    'connector' = 'kafka',
    'topic' = '{alerts}',
    'properties.bootstrap.servers' = '{brokers}',
    'format' = 'json'
);
INSERT INTO alerts
SELECT transaction_id, customer_id, amount, transactions
FROM (
    SELECT *, COUNT(*) OVER (
        PARTITION BY customer_id ORDER BY `timestamp`
        RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW
    ) AS transactions
    FROM transactions
)
WHERE transactions > 5;
