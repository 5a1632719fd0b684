//! What the descriptions of several rooms share: the body of every error, and the plain schemas
//! that parameters and properties are made of.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, Type},
    },
};

/// The body of every error.
pub(crate) struct Errors;

impl PartialSchema for Errors {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let messages = AnyOfBuilder::new().item(text()).item(ArrayBuilder::new().items(text()));
        let fields = ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(Schema::from(messages.build())));
        let errors = AnyOfBuilder::new()
            .item(text())
            .item(fields)
            .description(Some("One text, or for each invalid field a list of texts."));
        ObjectBuilder::new().property("errors", errors).required("errors").into()
    }
}

impl ToSchema for Errors {
    fn name() -> Cow<'static, str> {
        "Errors".into()
    }
}

/// An optional parameter of a query.
pub(crate) fn parameter(name: &str, schema: ObjectBuilder) -> Parameter {
    let mut schema = schema.build();
    let description = schema.description.take();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(description)
        .schema(Some(schema))
        .build()
}

pub(crate) fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

pub(crate) fn whole_number(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).description(Some(description))
}

pub(crate) fn names(description: &str, names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text(description).enum_values(Some(names.into_iter().collect::<Vec<_>>()))
}

pub(crate) fn or_null(schema: Schema) -> Schema {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    AnyOfBuilder::new().item(schema).item(null).build().into()
}

/// A time of a request: what clients write is read.
pub(crate) fn time(description: &str) -> ObjectBuilder {
    let format = "ISO 8601 with an offset, or a date, which is its first moment in the shop's time zone.";
    text(&format!("{description} {format}")).examples(["2026-11-21T15:00:00-05:00"])
}
