--- What can be wrong with a glTF: the codes that the Khronos validator knows, how bad each
--- is, and a sentence in which %1, %2, ... stand for what was found.
---
---     issue.severity "UNUSED_OBJECT"                      --> "info"
---     issue.message("UNRESOLVED_REFERENCE", { 7 })        --> "there is no object 7 ..."

local text = [[
error IO_ERROR
  the file cannot be read: %1

error ARRAY_LENGTH_NOT_IN_LIST
  the list has %1 values, and should have %2
error ARRAY_TYPE_MISMATCH
  the list has %1 where %2 belongs
error DUPLICATE_ELEMENTS
  this value stands in the list already
error EMPTY_ENTITY
  it is empty; leave it out
error INVALID_INDEX
  an index should be a whole number from 0, not %1
error INVALID_JSON
  this is not JSON: %1
error INVALID_URI
  '%1' is not a URI: %2
error ONE_OF_MISMATCH
  exactly one of %1 should be there
error PATTERN_MISMATCH
  '%1' does not have the form %2
error TYPE_MISMATCH
  it should be %2, not %1
error UNDEFINED_PROPERTY
  '%1' is missing
warning UNEXPECTED_PROPERTY
  glTF knows no such property here; own data belong into 'extras'
error UNSATISFIED_DEPENDENCY
  this needs '%1', which is missing
error VALUE_MULTIPLE_OF
  %1 is not a multiple of %2
warning VALUE_NOT_IN_LIST
  '%1' is none of %2
error VALUE_NOT_IN_RANGE
  %1 is out of range

error ACCESSOR_MATRIX_ALIGNMENT
  matrices have to begin at a multiple of 4 bytes
error ACCESSOR_NORMALIZED_INVALID
  only bytes and shorts can be normalized
error ACCESSOR_OFFSET_ALIGNMENT
  the offset %1 is not a multiple of the component's %2 bytes
error ACCESSOR_SPARSE_COUNT_OUT_OF_RANGE
  %1 elements are replaced, of %2
warning ANIMATION_CHANNEL_TARGET_NODE_SKIN
  moving a node does not move its skinned mesh
error ASSET_MIN_VERSION_GREATER_THAN_VERSION
  minVersion %1 is later than version %2
error BUFFER_DATA_URI_MIME_TYPE_INVALID
  the data are declared as '%1'; a buffer's are application/octet-stream or
  application/gltf-buffer
error BUFFER_VIEW_INVALID_BYTE_STRIDE
  only vertex data can have a byteStride
error BUFFER_VIEW_TOO_BIG_BYTE_STRIDE
  the byteStride %1 is larger than the view, %2 bytes
warning CAMERA_XMAG_YMAG_NEGATIVE
  xmag and ymag should not be negative
error CAMERA_XMAG_YMAG_ZERO
  xmag and ymag cannot be 0
warning CAMERA_YFOV_GEQUAL_PI
  yfov, in radians, should be less than pi
error CAMERA_ZFAR_LEQUAL_ZNEAR
  zfar has to be beyond znear
info EXTRA_PROPERTY
  nothing uses this here
warning INVALID_EXTENSION_NAME_FORMAT
  an extension's name begins with a vendor's prefix: VENDOR_name
error INVALID_GL_VALUE
  %1 does not fit into %2
error KHR_ANIMATION_POINTER_ANIMATION_CHANNEL_TARGET_NODE
  a channel with a pointer cannot have a node too
error KHR_ANIMATION_POINTER_ANIMATION_CHANNEL_TARGET_PATH
  a channel with a pointer needs the path 'pointer', not '%1'
error KHR_LIGHTS_PUNCTUAL_LIGHT_SPOT_ANGLES
  the outer angle (%2) has to be larger than the inner one (%1)
warning KHR_MATERIALS_ANISOTROPY_ANISOTROPY_TEXTURE_TEXCOORD
  it should use the texture coordinates of the normal texture
warning KHR_MATERIALS_CLEARCOAT_CLEARCOAT_NORMAL_TEXTURE_TEXCOORD
  it should use the texture coordinates of the normal texture
warning KHR_MATERIALS_DISPERSION_NO_VOLUME
  dispersion needs KHR_materials_volume beside it
warning KHR_MATERIALS_EMISSIVE_STRENGTH_ZERO_FACTOR
  without an emissiveFactor the strength does nothing
info KHR_MATERIALS_IRIDESCENCE_THICKNESS_RANGE_WITHOUT_TEXTURE
  without a thickness texture the minimum does nothing
info KHR_MATERIALS_IRIDESCENCE_THICKNESS_TEXTURE_UNUSED
  minimum and maximum are equal, so the thickness texture does nothing
warning KHR_MATERIALS_VOLUME_DOUBLE_SIDED
  a material with a volume should not be double-sided
warning KHR_MATERIALS_VOLUME_NO_TRANSMISSION
  a volume needs an extension beside it that lets light through
warning MATERIAL_ALPHA_CUTOFF_INVALID_MODE
  alphaCutoff counts with the alphaMode MASK only
error MESH_INVALID_WEIGHTS_COUNT
  there are %1 weights, but %2 morph targets
error MESH_PRIMITIVES_UNEQUAL_TARGETS_COUNT
  all primitives of a mesh need equally many morph targets
error MESH_PRIMITIVE_INDEXED_SEMANTIC_CONTINUITY
  the sets of '%1' have to be numbered from 0 without gaps: the last number asks for %2, there
  are %3
error MESH_PRIMITIVE_INVALID_ATTRIBUTE
  glTF knows no such attribute; own ones begin with an underscore
error MESH_PRIMITIVE_JOINTS_WEIGHTS_MISMATCH
  there are %1 sets of joints, but %2 of weights
warning MESH_PRIMITIVE_NO_POSITION
  nothing is drawn without POSITION
warning MESH_PRIMITIVE_TANGENT_WITHOUT_NORMAL
  tangents need normals beside them
warning MULTIPLE_EXTENSIONS
  this extension may not go together with the others beside it
info NODE_EMPTY
  the node has nothing in it
info NODE_MATRIX_DEFAULT
  this matrix is the default; leave it out
error NODE_MATRIX_NON_TRS
  the matrix is not made of translation, rotation and scale
error NODE_MATRIX_TRS
  a node has a matrix, or translation, rotation and scale, not both
warning NODE_SKINNED_MESH_LOCAL_TRANSFORMS
  the node's own transform does not move its skinned mesh
warning NODE_SKINNED_MESH_NON_ROOT
  what the node's parents do does not move its skinned mesh
error NODE_SKIN_NO_SCENE
  the scene of this skinned mesh does not have its joints
info NON_OBJECT_EXTRAS
  extras should be an object
warning NON_RELATIVE_URI
  '%1' is not relative to the file
error NON_REQUIRED_EXTENSION
  '%1' has to be in extensionsRequired too
error ROTATION_NON_UNIT
  the rotation is not a quaternion of length 1
error SKIN_NO_COMMON_ROOT
  the joints have no common root
error SKIN_SKELETON_INVALID
  the skeleton is no common root of the joints
error UNKNOWN_ASSET_MAJOR_VERSION
  this is glTF %1, and not 2
warning UNKNOWN_ASSET_MINOR_VERSION
  this is glTF 2.%1; only 2.0 is known
error UNUSED_EXTENSION_REQUIRED
  '%1' is not in extensionsUsed

error ACCESSOR_SMALL_BYTESTRIDE
  the view's byteStride %1 is less than an element's %2 bytes
error ACCESSOR_TOO_LONG
  %2 bytes at offset %1 are more than bufferView %3 has (%4)
error ACCESSOR_TOTAL_OFFSET_ALIGNMENT
  the offset in the buffer, %1, is not a multiple of the component's %2 bytes
error ACCESSOR_USAGE_OVERRIDE
  the accessor is used as %1 already, and as %2 here
error ANIMATION_CHANNEL_TARGET_NODE_MATRIX
  a node with a matrix cannot be animated
error ANIMATION_CHANNEL_TARGET_NODE_WEIGHTS_NO_MORPHS
  the node's mesh has no morph targets
error ANIMATION_DUPLICATE_TARGETS
  channel %1 has the same target
error ANIMATION_SAMPLER_ACCESSOR_WITH_BYTESTRIDE
  the bufferView of an animation cannot have a byteStride
error ANIMATION_SAMPLER_INPUT_ACCESSOR_INVALID_FORMAT
  the times are %1, and should be %2
error ANIMATION_SAMPLER_INPUT_ACCESSOR_TOO_FEW_ELEMENTS
  %1 needs at least %2 key frames, not %3
error ANIMATION_SAMPLER_INPUT_ACCESSOR_WITHOUT_BOUNDS
  the accessor of the times needs min and max
error ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_COUNT
  %1 values are needed, not %2
error ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_FORMAT
  the values are %1; for '%3' they should be %2
error BUFFER_MISSING_GLB_DATA
  the GLB has no binary chunk for this buffer
hint BUFFER_VIEW_TARGET_MISSING
  its bufferView should say its target
error BUFFER_VIEW_TARGET_OVERRIDE
  the bufferView is used for %1 already, and for %2 here
error BUFFER_VIEW_TOO_LONG
  the view reaches beyond buffer %1, which has %2 bytes
error IMAGE_BUFFER_VIEW_WITH_BYTESTRIDE
  the bufferView of an image cannot have a byteStride
info INCOMPLETE_EXTENSION_SUPPORT
  not all of this extension is looked at
error INVALID_IBM_ACCESSOR_COUNT
  %1 inverse bind matrices are needed, not %2
error KHR_MATERIALS_VARIANTS_NON_UNIQUE_VARIANT
  this primitive uses the variant already
error MESH_PRIMITIVE_ACCESSOR_UNALIGNED
  vertex data have to be at multiples of 4 bytes
error MESH_PRIMITIVE_ACCESSOR_WITHOUT_BYTESTRIDE
  a bufferView that several accessors share needs a byteStride
error MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT
  %1 is no format for this attribute; these are: %2
error MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_UNSIGNED_INT
  attributes cannot be of 32-bit integers
warning MESH_PRIMITIVE_GENERATED_TANGENT_SPACE
  the material needs tangents, which the mesh does not have; each program makes others
warning MESH_PRIMITIVE_INCOMPATIBLE_MODE
  %1 vertices or indices do not fit the mode %2
error MESH_PRIMITIVE_INDICES_ACCESSOR_INVALID_FORMAT
  %1 is no format for indices; these are: %2
error MESH_PRIMITIVE_INDICES_ACCESSOR_WITH_BYTESTRIDE
  the bufferView of indices cannot have a byteStride
error MESH_PRIMITIVE_MORPH_TARGET_INVALID_ATTRIBUTE_COUNT
  the mesh's own accessor has another count
error MESH_PRIMITIVE_MORPH_TARGET_NO_BASE_ACCESSOR
  the mesh itself does not have this attribute
error MESH_PRIMITIVE_NO_TANGENT_SPACE
  the material needs tangents, and neither mesh nor normal texture give them
error MESH_PRIMITIVE_POSITION_ACCESSOR_WITHOUT_BOUNDS
  the accessor of positions needs min and max
error MESH_PRIMITIVE_TOO_FEW_TEXCOORDS
  the texture at %1 needs TEXCOORD_%2
error MESH_PRIMITIVE_UNEQUAL_ACCESSOR_COUNT
  all attributes of a primitive need the same count
error NODE_LOOP
  the node is its own ancestor
error NODE_PARENT_OVERRIDE
  node %1 has a parent already
warning NODE_SKINNED_MESH_WITHOUT_SKIN
  the mesh has joints, but the node has no skin
error NODE_SKIN_WITH_NON_SKINNED_MESH
  the node has a skin, but its mesh no joints
error NODE_WEIGHTS_INVALID
  there are %1 weights, but the mesh has %2 morph targets
error SCENE_NON_ROOT_NODE
  node %1 is no root: it has a parent
error SKIN_IBM_ACCESSOR_WITH_BYTESTRIDE
  the bufferView of inverse bind matrices cannot have a byteStride
error SKIN_IBM_INVALID_FORMAT
  inverse bind matrices are %1, and should be %2
error TEXTURE_INVALID_IMAGE_MIME_TYPE
  the image is '%1'; a texture takes %2 here
error UNDECLARED_EXTENSION
  the extension is not in extensionsUsed
error UNEXPECTED_EXTENSION_OBJECT
  this extension does not belong here
error UNRESOLVED_REFERENCE
  there is no object %1
info UNSUPPORTED_EXTENSION
  nothing is known of '%1', so it was not looked at
info UNUSED_MESH_TANGENT
  the material has no normal texture, so the tangents do nothing
info UNUSED_MESH_WEIGHTS
  all nodes have weights of their own, so these do nothing
info UNUSED_OBJECT
  nothing uses this

error ACCESSOR_ANIMATION_INPUT_NEGATIVE
  time %1 is negative: %2
error ACCESSOR_ANIMATION_INPUT_NON_INCREASING
  time %1 is not after the one before: %2 after %3
error ACCESSOR_ANIMATION_SAMPLER_OUTPUT_NON_NORMALIZED_QUATERNION
  the quaternion at %1 to %2 has the length %3
error ACCESSOR_ELEMENT_OUT_OF_MAX_BOUND
  %1 elements are greater than the maximum %2
error ACCESSOR_ELEMENT_OUT_OF_MIN_BOUND
  %1 elements are less than the minimum %2
error ACCESSOR_INDEX_OOB
  index %1 is %2; the last vertex is %3
error ACCESSOR_INDEX_PRIMITIVE_RESTART
  index %2 is %1, which restarts a primitive and is not allowed
info ACCESSOR_INDEX_TRIANGLE_DEGENERATE
  %1 of %2 triangles have no area
error ACCESSOR_INVALID_FLOAT
  number %1 is %2
error ACCESSOR_INVALID_IBM
  number %1 (of its matrix: %2) is %3; the last row has to be 0 0 0 1
error ACCESSOR_INVALID_SIGN
  the tangent at %1 to %2 has w = %3, not 1 or -1
error ACCESSOR_JOINTS_INDEX_DUPLICATE
  number %1 (of its vertex: %2) is joint %3, which the vertex has already
error ACCESSOR_JOINTS_INDEX_OOB
  number %1 (of its vertex: %2) is joint %3; skin %5 ends at %4
warning ACCESSOR_JOINTS_USED_ZERO_WEIGHT
  number %1 (of its vertex: %2) is joint %3 with the weight 0
error ACCESSOR_MAX_MISMATCH
  the maximum is said to be %1, and is %2
error ACCESSOR_MIN_MISMATCH
  the minimum is said to be %1, and is %2
error ACCESSOR_NON_CLAMPED
  number %1 is not between 0 and 1: %2
error ACCESSOR_SPARSE_INDEX_OOB
  sparse index %1 is %2; there are %3 elements
error ACCESSOR_SPARSE_INDICES_NON_INCREASING
  sparse index %1 is not after the one before: %2 after %3
error ACCESSOR_VECTOR3_NON_UNIT
  the vector at %1 to %2 has the length %3
error ACCESSOR_WEIGHTS_NEGATIVE
  number %1 (of its vertex: %2) is a negative weight: %3
error ACCESSOR_WEIGHTS_NON_NORMALIZED
  the weights at %1 to %2 have the sum %3
error BUFFER_BYTE_LENGTH_MISMATCH
  it has %1 bytes, and should have %2
warning BUFFER_GLB_CHUNK_TOO_BIG
  the GLB's binary chunk has %1 bytes more than the buffer needs
warning DATA_URI_GLB
  a GLB should hold its data as they are, not as a data URI
error IMAGE_DATA_INVALID
  the image is damaged: %1
warning IMAGE_FEATURES_UNSUPPORTED
  the image has an own colour space, oblong pixels or frames, which are ignored
error IMAGE_MIME_TYPE_INVALID
  the image is '%1', and declared as '%2'
error IMAGE_NON_ENABLED_MIME_TYPE
  '%1' needs an extension
info IMAGE_NPOT_DIMENSIONS
  width and height are not powers of two: %1 x %2
error IMAGE_UNEXPECTED_EOS
  the image ends in the middle
warning IMAGE_UNRECOGNIZED_FORMAT
  this is no image that glTF knows
info URI_GLB
  a GLB should hold its data itself

error GLB_CHUNK_LENGTH_UNALIGNED
  the length of chunk %1 is not a multiple of 4
error GLB_CHUNK_TOO_BIG
  chunk %1 of %2 bytes reaches beyond the declared end
error GLB_DUPLICATE_CHUNK
  there is a chunk %1 already
info GLB_EMPTY_BIN_CHUNK
  an empty binary chunk should be left out
error GLB_EMPTY_CHUNK
  chunk %1 is empty
warning GLB_EXTRA_DATA
  there is more behind the end
error GLB_INVALID_MAGIC
  a GLB begins with 'glTF', not with %1
error GLB_INVALID_VERSION
  this is GLB %1, and not 2
error GLB_LENGTH_MISMATCH
  it declares %1 bytes, and has %2
error GLB_LENGTH_TOO_SMALL
  it declares %1 bytes, fewer than it needs
error GLB_UNEXPECTED_BIN_CHUNK
  the binary chunk has to be the second
error GLB_UNEXPECTED_END_OF_CHUNK_DATA
  it ends in a chunk
error GLB_UNEXPECTED_END_OF_CHUNK_HEADER
  it ends in the head of a chunk
error GLB_UNEXPECTED_END_OF_HEADER
  it ends in its header
error GLB_UNEXPECTED_FIRST_CHUNK
  the first chunk has to be the JSON, not %1
warning GLB_UNKNOWN_CHUNK_TYPE
  nothing is known of chunk %1
]]

local issue = {}

local severities, words = {}, {}
local code
for line in text:gmatch "[^\n]+" do
  local severity, name = line:match "^(%l+) ([%u_%d]+)$"
  if name then
    code, severities[name] = name, severity
  else
    words[code] = (words[code] and words[code] .. " " or "") .. line:sub(3)
  end
end

---@param code string
---@return "error"|"warning"|"info"|"hint"|nil severity nil: there is no such code
function issue.severity(code)
  return severities[code]
end

---@return string[] codes all of them
function issue.codes()
  local list = {}
  for code in pairs(severities) do list[#list + 1] = code end
  table.sort(list)
  return list
end

local function show(value)
  if type(value) ~= "table" then
    if math.type(value) == "float" then return ("%.9g"):format(value) end
    local shown = tostring(value)
    if #shown > 80 then shown = shown:sub(1, 60) .. "..." end
    return shown
  end
  local list = {}
  for i = 1, math.min(#value, 12) do list[i] = show(value[i]) end
  return table.concat(list, ", ")
end

---@param code string
---@param args any[] what belongs into the sentence; a table is a list
---@return string sentence
function issue.message(code, args)
  return (words[code]:gsub("%%(%d)", function(i)
    local value = args[tonumber(i)]
    return value == nil and "nothing" or show(value)
  end))
end

return issue
