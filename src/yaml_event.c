/* Tag and anchor of a node, of whatever type it is. */
#include "yaml_value.h"

const char *yaml_tag(const yaml_event_t *event) {
  switch (event->type) {
  case YAML_SCALAR_EVENT:
    return (const char *)event->data.scalar.tag;
  case YAML_SEQUENCE_START_EVENT:
    return (const char *)event->data.sequence_start.tag;
  case YAML_MAPPING_START_EVENT:
    return (const char *)event->data.mapping_start.tag;
  default:
    return NULL;
  }
}

const char *yaml_anchor(const yaml_event_t *event) {
  switch (event->type) {
  case YAML_SCALAR_EVENT:
    return (const char *)event->data.scalar.anchor;
  case YAML_SEQUENCE_START_EVENT:
    return (const char *)event->data.sequence_start.anchor;
  case YAML_MAPPING_START_EVENT:
    return (const char *)event->data.mapping_start.anchor;
  default:
    return NULL;
  }
}
