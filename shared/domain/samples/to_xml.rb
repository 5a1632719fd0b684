# frozen_string_literal: true

# Renders every sample as ActiveSupport's Hash#to_xml does: `ruby to_xml.rb`. With files as
# arguments it prints the XML of those instead, of each with its base name as the resource.

require "json"
require "time"
require "active_support"
require "active_support/core_ext/hash/conversions"
require "active_support/core_ext/array/conversions"

# A value with a type that we name. ActiveSupport lets a value print itself, and this one
# hands its text back to ActiveSupport with the type that the text is to have.
Typed = Struct.new(:type, :text) do
  def to_xml(options)
    ActiveSupport::XmlMini.to_tag(options[:root], text, options.merge(type: type))
  end
end

# ActiveSupport prints a dateTime as what its `xmlschema` says: here, the text as it is.
class Instant < String
  def xmlschema = self
end

# The text of a number that is no integer, which a Float would spell in its own way (1e5).
class FloatText < String
  def self.try_convert(text) = new(text)
end

MONEY_WORDS = %w[price amount total subtotal tax discount discounts discounted spent cost fee balance].freeze

def money?(name, text)
  (name.split("_") & MONEY_WORDS).any? && text.match?(/\A-?\d+\.\d\d\z/)
end

def instant?(name, text)
  name.end_with?("_at") && Time.xmlschema(text)
rescue ArgumentError
  false
end

def typed(value, name = "")
  case value
  when Hash then value.to_h { |key, inner| [key, typed(inner, key)] }
  when Array then value.map { |inner| typed(inner) }
  when nil then name.end_with?("_at") ? Typed.new("dateTime", nil) : nil
  when FloatText then Typed.new("float", value)
  when String
    if money?(name, value) then Typed.new("decimal", value)
    elsif instant?(name, value) then Typed.new("dateTime", Instant.new(value))
    else value
    end
  else value
  end
end

def render(json, resource)
  payload = JSON.parse(json, decimal_class: FloatText, max_nesting: false)
  payload = payload[resource] if payload.keys == [resource] && payload[resource].is_a?(Hash)
  typed(payload).to_xml(root: resource)
end

if ARGV.empty?
  Dir.glob("#{__dir__}/../../../events/payloads/*.json") do |path|
    resource = File.basename(path, ".json")
    File.write("#{__dir__}/#{resource}.xml", render(File.read(path), resource))
  end
else
  ARGV.each { |path| print render(File.read(path), File.basename(path, ".json")) }
end
