--- XML, by expat, as elements: a table with `name`, `attributes`, and its content as a list of
--- elements and texts.
---
---     local scene = orch.xml.decode '<scene><node name="Root">A <b>text</b></node></scene>'
---     assert(scene:find("node").attributes.name == "Root")
---     assert(scene:find("node"):text() == "A text")
---     assert(orch.xml.encode { name = "a", attributes = { x = 1 }, "<" } == '<a x="1">&lt;</a>')
---
--- Names keep their prefixes as written. Comments and processing instructions are left out, a
--- CDATA section is text. Entities that the text declares are expanded, within bounds; other
--- files are never read. Elements are at most 1000 levels deep. `decode` does not wait: it takes
--- about a second for 30 MB, during which no other task runs; between the events of `parse`
--- others may.
local arg = require "orch.arg"
local core = require "orch.core.xml"
local errors = require "orch.core.error"
local in_file = require "orch.in_file"

local xml = {}

---@class orch.xml.Element
---@field name string with its prefix, as written
---@field attributes table<string, string>
---@field [integer] orch.xml.Element|string its content
local Element = {}

core.element.__name = "xml.element"
core.element.__index = function(_, key)
  local method = Element[key]
  if method ~= nil or type(key) ~= "string" then return method end
  local known = { "name", "attributes", "find", "all", "text" }
  local near = arg.suggest(key, known)
  arg.fail("an XML element has no '%s'; %s", key,
    near and ("did you mean '%s'?"):format(near) or "its attributes are in `.attributes`")
end

local function collect(element, names, depth, list, only_first)
  for _, child in ipairs(element) do
    if type(child) == "table" and (child.name == names[depth] or names[depth] == "*") then
      if depth == #names then
        list[#list + 1] = child
      else
        collect(child, names, depth + 1, list, only_first)
      end
      if only_first and list[1] then return end
    end
  end
end

local function search(fname, element, path, only_first)
  arg.check(fname, 1, path, "string")
  local names, list = {}, {}
  for name in path:gmatch "[^/]+" do names[#names + 1] = name end
  if #names == 0 then arg.fail("%s: argument 1 should be a name such as \"node\"", fname) end
  collect(element, names, 1, list, only_first)
  return list
end

---The first element inside of this one with that name, or on the way `a/b`; `*` is any.
---@param path string
---@return orch.xml.Element? element nil where there is none
function Element:find(path)
  return search("element:find", self, path, true)[1]
end

---All of them, in order.
---@param path string
---@return orch.xml.Element[]
function Element:all(path)
  return search("element:all", self, path, false)
end

local function add_text(element, parts)
  for _, child in ipairs(element) do
    if type(child) == "string" then
      parts[#parts + 1] = child
    else
      add_text(child, parts)
    end
  end
end

---All text in it, also that of elements inside.
---@return string
function Element:text()
  local parts = {}
  add_text(self, parts)
  return table.concat(parts)
end

---@class orch.XmlOptions
---@field spaces? boolean keep text that only sets elements apart (line ends, indentation)

---The one element that an XML text consists of.
---@param text string in the encoding that it declares: UTF-8, UTF-16, ISO-8859-1, US-ASCII;
---  what comes out is UTF-8
---@param opts? orch.XmlOptions
---@return orch.xml.Element element raises kind `xml` with `line` and `column`, both from 1
function xml.decode(text, opts)
  arg.check("xml.decode", 1, text, "string")
  return core.decode(text, arg.options("xml.decode", opts, { spaces = "boolean" }).spaces)
end

---@class orch.XmlHandlers
---@field start? fun(name: string, attributes: table<string, string>)
---@field text? fun(text: string)
---@field ending? fun(name: string)

---Reads a text event by event, in little memory: what belongs together is not kept. The
---functions may wait.
---@param text string
---@param handlers orch.XmlHandlers text as it is, with line ends and indentation; raises kind
---  `xml` like `decode`, perhaps after some events
function xml.parse(text, handlers)
  arg.check("xml.parse", 1, text, "string")
  arg.check("xml.parse", 2, handlers, "table")
  local known = arg.options("xml.parse", handlers,
    { start = "callable", text = "callable", ending = "callable" })
  local reader = core.open(text)
  local kind, a, b = core.next(reader)
  while kind do
    local handler = known[kind]
    if handler then handler(a, b) end
    kind, a, b = core.next(reader)
  end
end

local function refuse(place, message, ...)
  local at = table.concat(place, "/")
  errors.throw(errors.make { kind = "xml", at = at,
    message = ("cannot encode %s in <%s>"):format(message:format(...), at) })
end

local function check_name(place, what, name)
  if type(name) ~= "string" or not name:find "^[%a_:\128-\255][%w_:.\128-\255-]*$" then
    refuse(place, "%s as the name of %s", arg.describe(name), what)
  end
end

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  ["\t"] = "&#9;", ["\n"] = "&#10;", ["\r"] = "&#13;" }

--- Text that XML can say, escaped: numbers and booleans are what Lua writes.
local function escape(place, value, set)
  local kind = type(value)
  if kind == "number" or kind == "boolean" then value = tostring(value) end
  if type(value) ~= "string" then refuse(place, "%s", arg.describe(value)) end
  if not utf8.len(value) then refuse(place, "a text that is not UTF-8") end
  local bad = value:match "[%z\1-\8\11\12\14-\31]"
    or value:match "\239\191[\190\191]"
  if bad then
    refuse(place, "the character U+%04X, which XML does not know,", utf8.codepoint(bad))
  end
  return (value:gsub(set, entities))
end

local write

local function write_content(element, place, parts, indent)
  local has_text = not indent
  for _, child in ipairs(element) do has_text = has_text or type(child) ~= "table" end
  local inner = not has_text and "\n" .. indent:rep(#place)
  for _, child in ipairs(element) do
    if inner then parts[#parts + 1] = inner end
    if type(child) == "table" then
      write(child, place, parts, not has_text and indent or nil)
    else
      parts[#parts + 1] = escape(place, child, "[&<>\r]")
    end
  end
  if inner then parts[#parts + 1] = "\n" .. indent:rep(#place - 1) end
end

function write(element, place, parts, indent)
  local name = rawget(element, "name")
  if #place >= 1000 then
    refuse({ place[1] }, "what is deeper than 1000 levels (or contains itself)")
  end
  check_name(#place > 0 and place or { "?" }, "an element", name)
  place[#place + 1] = name
  parts[#parts + 1] = "<" .. name
  local attributes = rawget(element, "attributes") or {}
  local names = {}
  for key in pairs(attributes) do
    check_name(place, "an attribute", key)
    names[#names + 1] = key
  end
  table.sort(names)
  for _, key in ipairs(names) do
    parts[#parts + 1] = (' %s="%s"'):format(key, escape(place, attributes[key], '[&<>"\t\n\r]'))
  end
  if element[1] == nil then
    parts[#parts + 1] = "/>"
  else
    parts[#parts + 1] = ">"
    write_content(element, place, parts, indent)
    parts[#parts + 1] = "</" .. name .. ">"
  end
  place[#place] = nil
end

---@class orch.XmlEncodeOptions
---@field indent? integer spaces per level for elements without text of their own; none by
---  default: all on one line
---@field declaration? boolean begin with `<?xml version="1.0" encoding="UTF-8"?>`

---An element as XML, its attributes sorted.
---@param element orch.xml.Element|table `{ name = "a", attributes = { x = 1 }, "text", ... }`
---@param opts? orch.XmlEncodeOptions
---@return string text raises kind `xml` with `.at`, the place of what XML cannot say
function xml.encode(element, opts)
  arg.check("xml.encode", 1, element, "table")
  local o = arg.options("xml.encode", opts, { indent = "integer", declaration = "boolean" })
  if o.indent and (o.indent < 0 or o.indent > 16) then
    arg.fail("xml.encode: option `indent` should be 0 to 16, not %d", o.indent)
  end
  local parts = { o.declaration and '<?xml version="1.0" encoding="UTF-8"?>\n' or "" }
  write(element, {}, parts, o.indent and (" "):rep(o.indent))
  return table.concat(parts)
end

---The element of an XML file.
---@async
---@param path orch.Path
---@param opts? orch.XmlOptions
---@return orch.xml.Element element raises kind `os`, or `xml` with `path`, `line`, `column`
function xml.load(path, opts)
  arg.check("xml.load", 1, path, "path")
  return in_file("xml", path, pcall(xml.decode, require("orch.fs").read(path), opts))
end

---Writes an element to a file, which is replaced in one step; with a declaration and a newline
---at the end.
---@async
---@param path orch.Path
---@param element orch.xml.Element|table
---@param opts? orch.XmlEncodeOptions `indent` is 2 by default
function xml.save(path, element, opts)
  arg.check("xml.save", 1, path, "path")
  local o = arg.options("xml.save", opts, { indent = "integer", declaration = "boolean" })
  o.indent, o.declaration = o.indent or 2, o.declaration ~= false
  require("orch.fs").write(path, in_file("xml", path, pcall(xml.encode, element, o)) .. "\n")
end

return arg.public("orch.xml", xml)
