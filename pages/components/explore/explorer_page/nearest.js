// The images whose means are nearest to z, as nearest_images in vae/inference/scored_set.py finds them: [{ index, distance }],
// the nearest first. `means` has the mean of each image, one after the other; the image `excluded` is left out.
export function nearestImages(z, means, count, excluded) {
  const found = Array.from({ length: means.length / z.length }, (_, index) => {
    const distance = Math.hypot(...z.map((value, k) => means[index * z.length + k] - value));
    return { index, distance };
  });
  return found
    .filter(({ index }) => index !== excluded)
    .sort((one, other) => one.distance - other.distance)
    .slice(0, count);
}
