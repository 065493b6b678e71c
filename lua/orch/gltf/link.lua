--- Follows references: what is there, what is used and for what, and whether it fits. Each
--- object gets what it refers to (`accessor.view`, `view.source`, ...).

local format = require "orch.gltf.format"
local link_animation = require "orch.gltf.link_animation"
local link_mesh = require "orch.gltf.link_mesh"
local link_node = require "orch.gltf.link_node"

local link = {}

--- The document: its collections, and how one of them is found.
local Gltf = {}
Gltf.__index = Gltf
link.Gltf = Gltf

---The object that an index means; it is used then.
---@param report orch.gltf.Report
---@param collection string
---@param index integer?
---@param name string|integer where the index stands
---@return table? object
function Gltf:find(report, collection, index, name)
  if not index then return nil end
  local object = self[collection] and self[collection][index + 1]
  if object then
    object.used = true
    return object
  end
  report:add("UNRESOLVED_REFERENCE", name, index)
end

---Notes what a bufferView is for.
---@param view table
---@param usage string
---@param name string? where it is used
function Gltf.use_view(report, view, usage, name)
  view.used = true
  if not view.usage then
    view.usage = usage
    if usage == "vertices" or usage == "indices" then
      report:add("BUFFER_VIEW_TARGET_MISSING", name)
    end
  elseif view.usage ~= usage then
    report:add("BUFFER_VIEW_TARGET_OVERRIDE", name, view.usage, usage)
  end
end

---Notes what an accessor is for.
function Gltf.use_accessor(report, accessor, usage, name)
  accessor.used = true
  if not accessor.usage then
    accessor.usage = usage
  elseif accessor.usage ~= usage then
    report:add("ACCESSOR_USAGE_OVERRIDE", name, accessor.usage, usage)
  end
end

local function link_view(report, gltf, view)
  local buffer = gltf:find(report, "buffers", view.buffer, "buffer")
  view.source = buffer
  if not buffer or not buffer.byteLength or not view.byteOffset then return end
  if view.byteOffset >= buffer.byteLength then
    report:add("BUFFER_VIEW_TOO_LONG", "byteOffset", view.buffer, buffer.byteLength)
  elseif view.byteLength and view.byteOffset + view.byteLength > buffer.byteLength then
    report:add("BUFFER_VIEW_TOO_LONG", "byteLength", view.buffer, buffer.byteLength)
  end
end

--- Whether `length` bytes at `offset` of a view are aligned and there.
local function check_range(report, view, index, offset, component, length)
  if not offset then return false end
  local good = true
  if offset % component ~= 0 then
    report:add("ACCESSOR_OFFSET_ALIGNMENT", "byteOffset", offset, component)
    good = false
  end
  if not view.byteOffset then return false end
  local total = view.byteOffset + offset
  if total % component ~= 0 then
    report:add("ACCESSOR_TOTAL_OFFSET_ALIGNMENT", nil, total, component)
    good = false
  end
  local has = view.byteLength or -1
  if offset > has or offset + length > has then
    report:add("ACCESSOR_TOO_LONG", offset > has and "byteOffset" or nil, offset, length, index,
      has)
    good = false
  end
  return good
end

--- A view that only holds what replaces elements.
local function link_part(report, gltf, accessor, part, component, length)
  local view = part.bufferView
    and gltf.bufferViews and gltf.bufferViews[part.bufferView + 1]
  part.view = view or nil
  if not part.bufferView then return false end
  if not view then
    report:add("UNRESOLVED_REFERENCE", "bufferView", part.bufferView)
    return false
  end
  gltf.use_view(report, view, "other", "bufferView")
  if view.byteStride then report:add("BUFFER_VIEW_INVALID_BYTE_STRIDE", "bufferView") end
  if not component then return false end
  return check_range(report, view, part.bufferView, part.byteOffset, component.size,
    component.size * length * accessor.sparse.count)
end

local function link_sparse(report, gltf, accessor)
  local sparse = accessor.sparse
  report:push "sparse"
  local fits = sparse.count <= accessor.count
  if not fits then
    report:add("ACCESSOR_SPARSE_COUNT_OUT_OF_RANGE", "count", sparse.count, accessor.count)
  end
  report:push "indices"
  local has_indices = link_part(report, gltf, accessor, sparse.indices,
    sparse.indices.component, 1)
  report:pop()
  report:push "values"
  local has_values = link_part(report, gltf, accessor, sparse.values, accessor.component,
    format.lengths[accessor.type] or 0)
  report:pop()
  report:pop()
  sparse.has_indices, sparse.readable = has_indices, fits and has_indices and has_values
end

local function link_accessor(report, gltf, accessor)
  local views = gltf.bufferViews
  local view = accessor.bufferView and views and views[accessor.bufferView + 1] or nil
  accessor.view = view
  accessor.length, accessor.stride = 0, 0
  if accessor.component and format.lengths[accessor.type] then
    accessor.length, accessor.stride = format.sizes(accessor)
  end
  if not accessor.component or not accessor.count or not accessor.type then return end
  if view and view.byteStride then accessor.stride = view.byteStride end
  accessor.bytes = accessor.stride * (accessor.count - 1) + accessor.length
  if view then
    view.used = true
    local small = view.byteStride and view.byteStride < accessor.length
    if small then
      report:add("ACCESSOR_SMALL_BYTESTRIDE", nil, view.byteStride, accessor.length)
    end
    accessor.readable = check_range(report, view, accessor.bufferView, accessor.byteOffset,
      accessor.component.size, accessor.bytes) and not small
  elseif accessor.bufferView then
    report:add("UNRESOLVED_REFERENCE", "bufferView", accessor.bufferView)
  end
  if accessor.sparse then link_sparse(report, gltf, accessor) end
end

local function link_image(report, gltf, image)
  local view = gltf:find(report, "bufferViews", image.bufferView, "bufferView")
  image.view = view
  if not view then return end
  gltf.use_view(report, view, "an image", "bufferView")
  if view.byteStride then report:add("IMAGE_BUFFER_VIEW_WITH_BYTESTRIDE", "bufferView") end
end

local STANDARD = { "image/jpeg", "image/png" }

local function link_texture(report, gltf, texture)
  local image = gltf:find(report, "images", texture.source, "source")
  gltf:find(report, "samplers", texture.sampler, "sampler")
  if image then
    report.textures[#report.textures + 1] = { path = report:here(), image = image,
      types = STANDARD }
  end
end

--- What each place in `gltf` does with its own kind; then the extensions there.
local function collection(report, gltf, name, each, ...)
  report:push(name)
  for i, object in ipairs(gltf[name] or {}) do
    if object then
      report:push(i - 1)
      each(report, gltf, object, i - 1)
      report:pop()
    end
  end
  report:pop()
  for _, kind in ipairs { ... } do
    for _, entry in ipairs(report.links[kind] or {}) do
      report:go(entry.path)
      entry.link(report, gltf, entry)
      report:go {}
    end
  end
end

local function texture_infos(report, gltf)
  for _, info in ipairs(report.infos) do
    report:go(info.path)
    gltf:find(report, "textures", info.index, "index")
    report:go {}
  end
end

---@param report orch.gltf.Report
---@param gltf table
function link.all(report, gltf)
  setmetatable(gltf, Gltf)
  collection(report, gltf, "bufferViews", link_view)
  collection(report, gltf, "accessors", link_accessor)
  collection(report, gltf, "images", link_image)
  collection(report, gltf, "textures", link_texture, "texture")
  texture_infos(report, gltf)
  collection(report, gltf, "materials", function() end, "texture_info", "normal_texture_info",
    "occlusion_texture_info", "material")
  collection(report, gltf, "meshes", link_mesh.link, "mesh_primitive")
  collection(report, gltf, "nodes", link_node.link, "node")
  collection(report, gltf, "skins", link_node.link_skin)
  collection(report, gltf, "animations", link_animation.link, "animation_channel_target")
  collection(report, gltf, "scenes", link_node.link_scene)
  link_node.check(report, gltf)
end

return link
