--- All of the conformance check, in the order of things: container, text, properties,
--- references, files, numbers. What is too broken to go on ends it.

local container = require "orch.gltf.container"
local core = require "orch.gltf.core"
local data = require "orch.gltf.data"
local document = require "orch.gltf.document"
local extension = require "orch.gltf.extension"
local format = require "orch.gltf.format"
local link = require "orch.gltf.link"
local resource = require "orch.gltf.resource"
local schema = require "orch.gltf.schema"
local value = require "orch.gltf.value"

local null = require("orch.core.json").null

local texts = value.texts()

local function names_of(report, raw, name)
  local list = raw[name]
  if list == null then report:add("TYPE_MISMATCH", name, "null", "a list") end
  if list == nil or list == null then return {} end
  return texts.check(report, name, list, texts.opts) or {}
end

--- The object that says what all of it is; nil where it is no glTF 2.
local function read_asset(report, raw)
  local asset = raw.asset
  if asset == null then report:add("TYPE_MISMATCH", "asset", "null", "an object") end
  if asset == nil or asset == null then
    return report:add("UNDEFINED_PROPERTY", nil, "asset")
  end
  if not document.is_object(asset) then
    return report:add("TYPE_MISMATCH", "asset", value.shown(asset), "an object")
  end
  report:push "asset"
  local object = schema.read(report, core.asset, asset)
  local good = object.major == 2
  if object.major and not good then
    report:add("UNKNOWN_ASSET_MAJOR_VERSION", "version", object.major)
  elseif good and object.minor > 0 then
    report:add("UNKNOWN_ASSET_MINOR_VERSION", "version", object.minor)
  end
  report:pop()
  return good and object or nil
end

local function read_root(report, raw)
  schema.unexpected(report, core.root, raw)
  if raw.extensionsRequired ~= nil and raw.extensionsUsed == nil then
    report:add("UNSATISFIED_DEPENDENCY", "extensionsRequired", "extensionsUsed")
  end
  local used = names_of(report, raw, "extensionsUsed")
  extension.declare(report, used, names_of(report, raw, "extensionsRequired"))
  if not read_asset(report, raw) then return nil end
  local gltf = schema.read(report, core.root, raw)
  if gltf.scene and not (gltf.scenes and gltf.scenes[gltf.scene + 1]) then
    report:add("UNRESOLVED_REFERENCE", "scene", gltf.scene)
  end
  return gltf
end

--- What the checks keep beside the issues.
local function prepare(report, is_glb, folder)
  report.is_glb, report.folder = is_glb, folder
  report.extensions, report.declared = {}, {}
  report.links, report.infos, report.textures, report.skipped = {}, {}, {}, {}
  report.attributes, report.morphs = format.attributes, format.morphs
  report.image_types = { "image/jpeg", "image/png" }
end

local function check_document(report, text)
  report.text = text
  local ok, raw = document.decode(text)
  if not ok then return report:at("INVALID_JSON", "", raw) end
  if not document.is_object(raw) then
    return report:at("TYPE_MISMATCH", "", value.shown(raw), "an object")
  end
  local gltf = read_root(report, raw)
  if not gltf then return end
  link.all(report, gltf)
  if report.cut then return end
  resource.load(report, gltf)
  data.check(report, gltf)
  resource.check_textures(report)
end

---Checks a file's content.
---@async
---@param report orch.gltf.Report
---@param content string
---@param is_glb boolean
---@param folder string where other files are
return function(report, content, is_glb, folder)
  prepare(report, is_glb, folder)
  if not is_glb then return check_document(report, content) end
  local parts = container.parts(report, content)
  if not parts or not parts.json then return end
  report.file, report.bin, report.cut = content, parts.bin, parts.cut
  local json = parts.json
  check_document(report, content:sub(json.at, json.at + json.size - 1))
end
