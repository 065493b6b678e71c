--- The pictures of a report as data URIs, drawn once each, with an end: the worst findings
--- come first, and what does not fit is counted.
---
---     local drawn = pictures.draw(result, result.findings, {})
---     drawn.of(picture)      -- "data:image/png;base64,...", or nil

local clock = require "orch.core.clock"
local hash = require "orch.hash"

local AT_ONCE = 4
local MOST, BYTES, SECONDS = 200, 12 * 1024 * 1024, 20

--- What orch can decode: others have no thumbnail.
local decodable = { png = true, jpg = true, jpeg = true, bmp = true, tga = true, gif = true,
  psd = true, hdr = true }

local pictures = {}

local function key_of(picture)
  return table.concat({ picture.picture or "", picture.path or "", picture.other or "",
    picture.channel or "", picture.size or "" }, "\0")
end

---The pictures of a finding: its own, or the image that it is about.
---@param finding table
---@return table[]
function pictures.of(finding)
  if type(finding.pictures) == "table" and #finding.pictures > 0 then return finding.pictures end
  local extension = finding.path:match "%.(%w+)$"
  if not extension or not decodable[extension:lower()] then return {} end
  return { { picture = "thumb", path = finding.path, size = 96 } }
end

--- In the order in which they are worth drawing.
local function wanted(result, findings)
  local list, seen = {}, {}
  local function add(picture)
    if type(picture) ~= "table" or seen[key_of(picture)] then return end
    seen[key_of(picture)] = true
    list[#list + 1] = picture
  end
  for _, one in ipairs(result.preview or result.fixed or {}) do
    add(one.before)
    add(one.after)
  end
  for _, finding in ipairs(findings) do
    for _, picture in ipairs(finding.pictures or {}) do add(picture) end
  end
  for _, finding in ipairs(findings) do
    for _, picture in ipairs(pictures.of(finding)) do add(picture) end
  end
  return list
end

local function absolute(folder, path)
  return path and (path:sub(1, 1) == "/" and path or folder .. "/" .. path)
end

--- Pictures name files as findings do: from the project's folder.
local function in_folder(picture, folder)
  if not folder then return picture end
  local copy = {}
  for name, value in pairs(picture) do copy[name] = value end
  copy.path, copy.other = absolute(folder, picture.path), absolute(folder, picture.other)
  return copy
end

local function default_render(picture)
  return require("orch.image").render(picture)
end

---@class orch.CheckPictures
---@field of fun(picture: table|string|nil): string? the data URI
---@field left integer how many there was no room for
---@field failed integer how many could not be drawn

local function data_uri(png)
  return "data:image/png;base64," .. hash.base64(png)
end

---@async
---@param result table
---@param findings table[] the worst first
---@param opts {render: (fun(picture: table): string)?, most: integer?, bytes: integer?,
---  seconds: number?} `most` pictures, of so many `bytes` of PNG in all, in so many `seconds`
---@return orch.CheckPictures
function pictures.draw(result, findings, opts)
  local render, most = opts.render or default_render, opts.most or MOST
  local until_then = clock.now() + (opts.seconds or SECONDS)
  local list = most > 0 and wanted(result, findings) or {}
  local room, made, failed, done = opts.bytes or BYTES, {}, 0, 0
  local all = #list
  for i = #list, most + 1, -1 do list[i] = nil end
  require("orch.map").each(list, function(picture)
    if room <= 0 or clock.now() > until_then then return end
    local ok, png = pcall(render, in_folder(picture, result.folder))
    if not ok then
      failed = failed + 1
      return
    end
    if #png > room then return end
    room, done = room - #png, done + 1
    made[key_of(picture)] = data_uri(png)
  end, { concurrency = AT_ONCE })
  return {
    left = all - done - failed, failed = failed,
    of = function(picture)
      if type(picture) == "string" then return data_uri(picture) end
      return picture and made[key_of(picture)]
    end,
  }
end

return pictures
