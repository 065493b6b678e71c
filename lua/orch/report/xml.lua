-- Text as it may stand in XML: escaped, and without what XML 1.0 has no place for.
--
--   xml.text("a < b")                  --> "a &lt; b"
--   xml.attributes { "name", "a<b" }   --> ' name="a&lt;b"'

local plain = require("orch.report.text").plain

local xml = {}

local entities = {
  ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["\r"] = "&#13;",
}
local in_attributes = { ["\n"] = "&#10;", ["\t"] = "&#9;" }
setmetatable(in_attributes, { __index = entities })

---For the inside of an element.
---@param value any
---@return string
function xml.text(value)
  return (plain(value):gsub('[&<>"\r]', entities))
end

---For an attribute: line ends and tabs are kept.
---@param value any
---@return string
function xml.attribute(value)
  return (plain(value):gsub('[&<>"\n\t\r]', in_attributes))
end

---@param list any[] names and values by turns; a value of nil is left out
---@return string attributes each with a space before it
function xml.attributes(list)
  local out, last = {}, 0
  for i in next, list do last = math.max(last, i) end
  for i = 1, last, 2 do
    if list[i + 1] ~= nil then
      out[#out + 1] = (' %s="%s"'):format(list[i], xml.attribute(list[i + 1]))
    end
  end
  return table.concat(out)
end

return xml
