--- The references of an animation: times and values of its samplers, and what its channels
--- move.

local format = require "orch.gltf.format"

local link_animation = {}

local function plan(accessor, check)
  accessor.checks = accessor.checks or {}
  table.insert(accessor.checks, check)
end

local function use(report, gltf, accessor, usage, name)
  gltf.use_accessor(report, accessor, usage, name)
  if not accessor.view then return end
  gltf.use_view(report, accessor.view, "other", name)
  if accessor.view.byteStride then
    report:add("ANIMATION_SAMPLER_ACCESSOR_WITH_BYTESTRIDE", name)
  end
end

local function link_input(report, gltf, sampler)
  local input = gltf:find(report, "accessors", sampler.input, "input")
  sampler.times = input
  if not input then return end
  use(report, gltf, input, "the times of an animation", "input")
  report:push "input"
  local own = format.of(input)
  if format.key_time[own] then
    plan(input, { kind = "times", path = report:pointer() })
  else
    report:add("ANIMATION_SAMPLER_INPUT_ACCESSOR_INVALID_FORMAT", nil, own, format.key_time)
  end
  if not (input.min and input.max) then
    report:add "ANIMATION_SAMPLER_INPUT_ACCESSOR_WITHOUT_BOUNDS"
  end
  if sampler.interpolation == "CUBICSPLINE" and (input.count or -1) < 2 then
    report:add("ANIMATION_SAMPLER_INPUT_ACCESSOR_TOO_FEW_ELEMENTS", nil, "CUBICSPLINE", 2,
      input.count or -1)
  end
  report:pop()
end

local function link_samplers(report, gltf, samplers)
  report:push "samplers"
  for i, sampler in ipairs(samplers) do
    report:push(i - 1)
    link_input(report, gltf, sampler)
    sampler.values = gltf:find(report, "accessors", sampler.output, "output")
    if sampler.values then
      use(report, gltf, sampler.values, "the values of an animation", "output")
    end
    report:pop()
  end
  report:pop()
end

--- The morph targets of a node's mesh, which its weights are for.
local function targets_of(node)
  local first = node and node.shows and node.shows.primitives and node.shows.primitives[1]
  return first and first.targets
end

local function link_target(report, gltf, target)
  report:push "target"
  local node = gltf:find(report, "nodes", target.node, "node")
  target.linked = true
  target.moves = node
  if node and target.path == "weights" then
    if not targets_of(node) then
      report:add "ANIMATION_CHANNEL_TARGET_NODE_WEIGHTS_NO_MORPHS"
    end
  elseif node and format.key_values[target.path] then
    if node.matrix then report:add "ANIMATION_CHANNEL_TARGET_NODE_MATRIX" end
    if node.bound then report:add("ANIMATION_CHANNEL_TARGET_NODE_SKIN", "path") end
  end
  report:pop()
end

local function check_values(report, channel, sampler)
  local values, times, path = sampler.values, sampler.times, channel.target.path
  if path == "rotation" and format.lengths[values.type] == 4 then
    plan(values, { kind = "quaternions", path = report:pointer "sampler",
      cubic = sampler.interpolation == "CUBICSPLINE" })
  end
  local own, valid = format.of(values), format.key_values[path]
  if not valid then return end
  if not valid[own] then
    report:add("ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_FORMAT", "sampler", own, valid, path)
  end
  if not times or not times.count or not values.count or not sampler.interpolation then return end
  local wanted = times.count * (sampler.interpolation == "CUBICSPLINE" and 3 or 1)
  if path == "weights" then
    wanted = wanted * #(targets_of(channel.target.moves) or {})
  end
  if wanted ~= 0 and wanted ~= values.count then
    report:add("ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_COUNT", "sampler", wanted,
      values.count)
  end
end

--- The next channel with the target of each: channels may be many.
local function find_same(channels)
  local later, all = {}, {}
  for i = #channels, 1, -1 do
    local target = channels[i].target
    if target and target.node then
      local key = target.node .. " " .. (target.path or "")
      all[i], later[key] = later[key], { at = i - 1, next = later[key] }
    end
  end
  return all
end

local function link_channels(report, gltf, channels, samplers)
  local same = find_same(channels)
  report:push "channels"
  for i, channel in ipairs(channels) do
    report:push(i - 1)
    if channel.target then link_target(report, gltf, channel.target) end
    local sampler = channel.sampler and samplers[channel.sampler + 1]
    if sampler then
      sampler.used = true
      if channel.target and sampler.values then check_values(report, channel, sampler) end
    elseif channel.sampler then
      report:add("UNRESOLVED_REFERENCE", "sampler", channel.sampler)
    end
    local other = same[i]
    while other and channel.sampler do
      report:add("ANIMATION_DUPLICATE_TARGETS", "target", other.at)
      other = other.next
    end
    report:pop()
  end
  report:pop()
end

function link_animation.link(report, gltf, animation)
  local samplers, channels = animation.samplers, animation.channels
  if not samplers or not channels then return end
  link_samplers(report, gltf, samplers)
  link_channels(report, gltf, channels, samplers)
  report:push "samplers"
  for i, sampler in ipairs(samplers) do
    if not sampler.used then report:add("UNUSED_OBJECT", i - 1) end
  end
  report:pop()
end

return link_animation
