"""Products, orders, payments."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
PRODUCT_ORDERS = ("created_at", "sku_key", "name_order")


def upgrade() -> None:
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("sku_key", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_order", KEY, nullable=False),
        sa.Column("search_text", KEY, nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", KEY, nullable=False),
        sa.Column("stock", sa.BigInteger()),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
        sa.UniqueConstraint("sku_key", name="uq_products_sku_key"),
        sa.CheckConstraint("stock >= 0", name="ck_products_stock"),
    )
    for column in PRODUCT_ORDERS:
        op.create_index(f"ix_products_by_{column}", "products", [column, "id"])
        op.create_index(f"ix_products_active_by_{column}", "products", ["is_active", column, "id"])
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("status", KEY, nullable=False),
        sa.Column("currency", KEY, nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("paid_at", TIME),
        sa.Column("fulfilled_at", TIME),
        sa.Column("cancelled_at", TIME),
        sa.Column("refunded_at", TIME),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_orders_user_id", ondelete="SET NULL"),
    )
    op.create_index("ix_orders_placed_at_id", "orders", ["placed_at", "id"])
    op.create_index("ix_orders_user_id_placed_at_id", "orders", ["user_id", "placed_at", "id"])
    op.create_index("ix_orders_status_placed_at_id", "orders", ["status", "placed_at", "id"])
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("is_held", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "number", name="pk_order_lines"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_lines_order_id", ondelete="CASCADE"),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", KEY, nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", KEY, nullable=False),
        sa.Column("reference", KEY),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payments"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_payments_order_id", ondelete="CASCADE"),
        sa.UniqueConstraint("gateway", "reference", name="uq_payments_gateway_reference"),
    )
    op.create_index("ix_payments_order_id_created_at_id", "payments", ["order_id", "created_at", "id"])


def downgrade() -> None:
    op.drop_table("payments")
    op.drop_table("order_lines")
    op.drop_table("orders")
    op.drop_table("products")
