CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line_number int NOT NULL CHECK (line_number > 0),
    article text NOT NULL,
    quantity int NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, line_number)
);

CREATE INDEX orders_customer_idx ON orders (customer, placed_at DESC);
